"""A residual net: blocks, batch normalisation, projections, Kaiming's initial values, weight decay by groups."""

import numpy as np
import torch
from torch import nn, optim


def conv3x3(in_planes, out_planes, stride=1):
    return nn.Conv2d(in_planes, out_planes, kernel_size=3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None):
        super(BasicBlock, self).__init__()
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x):
        residual = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            residual = self.downsample(x)
        out += residual
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=4):
        super().__init__()
        self.inplanes = 8
        self.stem = nn.Sequential(conv3x3(3, 8), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.layer1 = self._make_layer(block, 8, layers[0])
        self.layer2 = self._make_layer(block, 16, layers[1], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(16 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)
        for m in self.modules():
            if isinstance(m, BasicBlock):
                nn.init.zeros_(m.bn2.weight)

    def _make_layer(self, block, planes, blocks, stride=1):
        downsample = None
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, planes * block.expansion, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(planes * block.expansion),
            )
        layers = [block(self.inplanes, planes, stride, downsample)]
        self.inplanes = planes * block.expansion
        layers += [block(self.inplanes, planes) for _ in range(1, blocks)]
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.stem(x)
        x = self.layer2(self.layer1(x))
        x = self.avgpool(x)
        return self.fc(x.view(x.size(0), -1))


torch.manual_seed(0)
rng = np.random.RandomState(0)
model = ResNet(BasicBlock, [1, 2])
print(model)
print("parameters:", sum(p.numel() for p in model.parameters() if p.requires_grad))
for name, p in model.named_parameters():
    if p.dim() > 1:  # the same numbers in every run
        p.data.copy_(torch.from_numpy(rng.normal(0, np.sqrt(2 / p[0].numel()), tuple(p.shape))))
    elif name.endswith("fc.bias"):
        p.data.zero_()

decay, no_decay = [], []
for name, p in model.named_parameters():
    (no_decay if p.ndim <= 1 or name.endswith(".bias") else decay).append(p)
optimizer = optim.SGD(
    [{"params": decay, "weight_decay": 1e-3}, {"params": no_decay, "weight_decay": 0.0}],
    lr=0.05,
    momentum=0.9,
    nesterov=True,
)
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.1)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)

images = torch.as_tensor(rng.normal(size=(12, 3, 12, 12)), dtype=torch.float32)
labels = torch.tensor(rng.randint(0, 4, 12))
for epoch in range(4):
    model.train()
    for x, y in zip(images.split(6), labels.split(6)):
        optimizer.zero_grad(set_to_none=True)
        logits = model(x)
        loss = criterion(logits, y)
        loss.backward()
        optimizer.step()
    scheduler.step()
    with torch.inference_mode():
        model.eval()
        top = model(images).topk(2, dim=1)
    hits = top.indices.eq(labels[:, None]).any(dim=1).float().mean()
    print(epoch, "loss %.5f" % loss, "top-2 %.3f" % hits.item(), [g["lr"] for g in optimizer.param_groups])

print({k: tuple(v.shape) for k, v in model.state_dict().items() if "layer2.0" in k})
print(model.layer2[0].bn1.running_mean[:3], model.layer2[0].bn1.num_batches_tracked)
