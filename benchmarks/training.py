"""Training steps a second against a plain PyTorch loop with the same networks and mathematics."""

import torch
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import print_table, side_by_side
from search_spaces import WIDE
from study.models.losses import AS_RUN, LOSSES
from study.models.networks import LATENT, Size, build
from study.models.training import Recipe, Training

WIDTH, BATCH, STEPS, IMAGES = 0.25, 64, 10, 2_048


def main() -> None:
    torch.set_num_threads(1)
    images = torch.randint(0, 256, (IMAGES, 1, 28, 28), dtype=torch.uint8)
    trainings = {loss: _ours(loss, images) for loss in LOSSES}
    works = {loss: _Steps(training) for loss, training in trainings.items()}
    seconds = side_by_side({**works, "plain": _Plain(images)}, rounds=5)
    rows = [(f"{loss} (ours)", f"{STEPS / seconds[loss]:.1f}", "") for loss in LOSSES if loss != "ns"]
    ratio = seconds["plain"] / seconds["ns"]
    rows.insert(1, ("ns (ours)", f"{STEPS / seconds['ns']:.1f}", f"{ratio:.2f} x plain"))
    rows.append(("ns (plain PyTorch loop)", f"{STEPS / seconds['plain']:.1f}", "1"))
    title = f"discriminator steps a second: width {WIDTH}, 28x28x1, batch {BATCH}, one thread, default settings"
    print_table(title, ("loss", "steps/s", "ratio"), rows)


def _ours(loss: str, images: torch.Tensor) -> Training:
    setting = WIDE.default(loss, AS_RUN)
    size = Size((1, 28, 28), WIDTH, bool(setting["batch_norm"]), 0.999)
    return Training(Recipe("benchmark", loss, AS_RUN, setting, size, BATCH), images, 255)


class _Steps:
    def __init__(self, training: Training) -> None:
        self._training = training

    def __call__(self) -> None:
        for _ in range(STEPS):
            self._training.advance()


class _Plain:
    """The non-saturating loss as it is commonly written: DataLoader, default Adam, both losses read at every step."""

    def __init__(self, images: torch.Tensor) -> None:
        self._loader = DataLoader(TensorDataset(images.float() / 255), BATCH, shuffle=True, drop_last=True)
        self._nets = build("logit", 0.2, Size((1, 28, 28), WIDTH, True, 0.999), "benchmark")
        networks = (self._nets.generator, self._nets.discriminator)
        self._g, self._d = (torch.optim.Adam(network.parameters(), 5e-5, (0.0, 0.999)) for network in networks)
        self._batches = iter(self._loader)

    def __call__(self) -> list[float]:
        return [self._step() for _ in range(STEPS)]

    def _step(self) -> float:
        real = self._next()
        generator, discriminator = self._nets.generator, self._nets.discriminator
        z = torch.rand(BATCH, LATENT) * 2 - 1
        self._d.zero_grad()
        fake = generator(z).detach()
        loss_d = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
        loss_d.backward()
        self._d.step()
        self._g.zero_grad()
        loss_g = softplus(-discriminator(generator(z))).mean()
        loss_g.backward()
        self._g.step()
        return float(loss_d.item() + loss_g.item())

    def _next(self) -> torch.Tensor:
        try:
            (batch,) = next(self._batches)
        except StopIteration:
            self._batches = iter(self._loader)
            (batch,) = next(self._batches)
        return batch
