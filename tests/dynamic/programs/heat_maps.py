"""Hooks: activations and gradients of a layer (Grad-CAM), of a tensor; saliency; frozen layers and a new head."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


rng = np.random.RandomState(12)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))

    def forward(self, x):
        return self.classifier(self.features(x))


model = Net()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.normal(0.1, 0.4, p.shape)))
model.eval()

activations, gradients = {}, {}


def save_activation(name):
    def hook(module, args, output):
        activations[name] = output.detach()

    return hook


def save_gradient(module, grad_input, grad_output):
    gradients["value"] = grad_output[0]


handles = [
    model.features[4].register_forward_hook(save_activation("conv")),
    model.features[3].register_forward_hook(lambda m, i, o: activations.update(pool=o)),
    model.features[4].register_full_backward_hook(save_gradient),
    model.register_forward_pre_hook(lambda m, args: (args[0] * 2 - 1,)),
]
image = torch.from_numpy(rng.uniform(size=(1, 3, 10, 10)).astype(np.float32)).requires_grad_()
score = model(image)
target = score.argmax(dim=1)
score[0, target].backward()
weights = gradients["value"].mean(dim=(2, 3), keepdim=True)
cam = F.relu((weights * activations["conv"]).sum(dim=1, keepdim=True))
cam = F.interpolate(cam, size=(10, 10), mode="bilinear", align_corners=False)
cam = (cam - cam.min()) / (cam.max() - cam.min() + 1e-8)
print("class", target.item(), "cam", cam.shape, cam.mean().item(), cam[0, 0, 0, :5].tolist())
saliency, _ = image.grad.data.abs().max(dim=1)
print("saliency", saliency.shape, saliency.sum().item(), sorted(activations))
for handle in handles:
    handle.remove()

print("plain", model(image.detach())[0])
seen = []
x = torch.tensor([1.0, 2.0], requires_grad=True)
h = x * 3
h.retain_grad()
h.register_hook(lambda g: seen.append(g.clone()) or g * 10)
(h**2).sum().backward()
print(seen, x.grad, h.grad)

for name, child in model.named_children():
    if name == "features":
        for param in child.parameters():
            param.requires_grad = False
model.classifier[2] = nn.Linear(model.classifier[2].in_features, 2)
nn.init.constant_(model.classifier[2].weight, 0.1)
nn.init.zeros_(model.classifier[2].bias)
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.5)
batch, labels = torch.from_numpy(rng.uniform(size=(6, 3, 8, 8))).float(), torch.tensor([0, 1, 0, 1, 1, 0])
model.train()
for _ in range(5):
    loss = F.cross_entropy(model(batch), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item(), [n for n, p in model.named_parameters() if p.grad is not None], model.classifier)
print({type(m).__name__ for m in model.modules()} >= {"Conv2d", "Net"}, model.features[0].weight.grad is None)
with torch.autograd.set_grad_enabled(False):
    flat = torch.cat([p.flatten() for p in model.parameters()])
print(flat.shape, flat.requires_grad, nn.utils.parameters_to_vector(model.classifier.parameters())[:3])
