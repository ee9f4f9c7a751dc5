"""A recurrent net by hand that tells surnames' languages: Variables, nn.LogSoftmax without dim, topk on .data, add_ with a factor."""

import math
import random
import string

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import Variable


all_letters = string.ascii_letters + " .,;'"
n_letters = len(all_letters)
names = {
    "Czech": ["Adsit", "Ajdrna", "Antonowitsch", "Bacovsky", "Cermak"],
    "Italian": ["Abandonato", "Bellini", "Caruso", "Donati", "Esposito"],
    "Scottish": ["Campbell", "Douglas", "Fraser", "Graham", "Macleod"],
}
all_categories = sorted(names)
rng = np.random.RandomState(2)


def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][all_letters.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax()

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = self.i2h(combined)
        output = self.i2o(combined)
        output = self.softmax(output)
        return output, hidden

    def initHidden(self):
        return Variable(torch.zeros(1, self.hidden_size))


rnn = RNN(n_letters, 16, len(all_categories))
for p in rnn.parameters():
    p.data = torch.from_numpy(rng.uniform(-0.12, 0.12, tuple(p.size()))).float()


def categoryFromOutput(output):
    top_n, top_i = output.data.topk(1)
    category_i = top_i[0][0]
    return all_categories[category_i], category_i


criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category_tensor, line_tensor):
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(-learning_rate, p.grad.data)
    return output, loss.data[0]


random.seed(1)
current_loss = 0
for iter in range(1, 151):
    category = random.choice(all_categories)
    line = random.choice(names[category])
    category_tensor = Variable(torch.LongTensor([all_categories.index(category)]))
    output, loss = train(category_tensor, Variable(lineToTensor(line)))
    current_loss += loss
    if iter % 50 == 0:
        guess, guess_i = categoryFromOutput(output)
        correct = "right" if guess == category else "wrong (%s)" % category
        print("%d %.4f %s / %s %s" % (iter, current_loss / 50, line, guess, correct))
        current_loss = 0

confusion = torch.zeros(3, 3)
for i, category in enumerate(all_categories):
    for line in names[category]:
        hidden = Variable(torch.zeros(1, 16), volatile=True)
        for letter in lineToTensor(line):
            output, hidden = rnn(Variable(letter, volatile=True), hidden)
        confusion[i][categoryFromOutput(output)[1]] += 1
for i in range(3):
    confusion[i] = confusion[i] / confusion[i].sum()
    print([round(x, 4) for x in confusion[i]], math.exp(output.data[0][i]))
print(hidden.volatile, output.requires_grad, hidden.data.norm())
