"""cnn28: a small convolutional classifier of Fashion-MNIST whose last hidden layer serves as features."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from study import durable
from study.errors import StudyError
from study.measures.contracts import Features

WEIGHTS = Path(__file__).with_name("cnn28.safetensors")
DIMENSION = 64
CLASSES = 10


class Network(nn.Module):
    """167,114 parameters: three 3x3 convolutions with pooling (28, 14, 7, 3), 64 features, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.embed = nn.Linear(128 * 3 * 3, DIMENSION)
        self.classify = nn.Linear(DIMENSION, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, 64] after their ReLU, and class logits [N, 10]."""
        features = torch.relu(self.embed(self.convolutions(images - 0.5).flatten(1)))
        return features, self.classify(features)


class Cnn28:
    """The extractor: 28x28 grey images in [0, 1], taken as they are, without resizing or rounding."""

    name = "cnn28"
    dimension = DIMENSION

    def __init__(self, weights: Path = WEIGHTS) -> None:
        self.weights, self.origin = weights, "shipped with the program"
        self.module: nn.Module = Network()
        try:
            self.sha256 = durable.sha256(weights)
            self.module.load_state_dict(load_file(weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            remedy = "restore it from the repository, or train it: python -m study.measures.cnn28_training"
            raise StudyError(f"{weights}: expected the weights of cnn28, but {error}; {remedy}") from error
        self.module.eval().requires_grad_(False)

    def __call__(self, images: Tensor) -> Features:
        features, logits = self.module(images)
        return Features(features, logits.softmax(1))
