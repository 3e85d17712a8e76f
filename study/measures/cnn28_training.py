"""Trains cnn28 on Fashion-MNIST and writes the weights that ship: python -m study.measures.cnn28_training."""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from study.data.catalogue import find
from study.data.prepare import Prepared, prepare
from study.measures.cnn28 import WEIGHTS, Network

BATCH = 128


def accuracy(network: nn.Module, prepared: Prepared) -> float:
    """The share of the 10,000 test images that the classifier gets right."""
    images, labels = _split(prepared, "test")
    with torch.inference_mode():
        right = [
            (network(_scaled(part))[1].argmax(1) == answer).sum()
            for part, answer in zip(torch.split(images, 500), torch.split(labels, 500), strict=True)
        ]
    return float(torch.stack(right).sum() / len(labels))


def train(prepared: Prepared, epochs: int) -> Network:
    """Adam, one-cycle learning rate up to 2e-3, images mirrored at random; deterministic for a thread count."""
    torch.manual_seed(0)
    images, labels = _split(prepared, "train")
    network = Network()
    steps = len(images) // BATCH
    optimiser = torch.optim.Adam(network.parameters(), weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            batch = _scaled(images[chosen])
            mirrored = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)
            loss = nn.functional.cross_entropy(network(mirrored)[1], labels[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        print(f"epoch {epoch + 1} of {epochs}: test accuracy {accuracy(network, prepared):.4f}", flush=True)
    return network


def _split(prepared: Prepared, split: str) -> tuple[Tensor, Tensor]:
    labels = prepared.labels(split)
    return torch.from_numpy(prepared.images(split).copy()), torch.from_numpy(labels.copy()).long()


def _scaled(images: Tensor) -> Tensor:
    return images.float() / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    prepared, _ = prepare(find("fashion"), arguments.data)
    network = train(prepared, arguments.epochs)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, arguments.output)
    print(
        f"{arguments.output}: {arguments.output.stat().st_size} bytes, test accuracy {accuracy(network, prepared):.4f}"
    )


if __name__ == "__main__":
    main()
