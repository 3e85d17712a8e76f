"""inception: the network of 2015-12-05 that the published score is made of, fed with images that nobody rounded."""

import hashlib
import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from study.errors import StudyError
from study.measures import EXTRACTORS
from study.measures.contracts import Features

ENTRY = EXTRACTORS["inception"]
SIDE = 299  # pixels
PART = 16  # images at once: 64 channels of 147x147 are 5.5 MB an image, several such live together, and on each thread


class Inception:
    """The extractor: grey or coloured images of any size in [0, 1]; torch-fidelity's network and resize, in float32.

    Of an image of whole grey levels v / 255 it sees what torch-fidelity sees. Its probabilities are those of the 1,008
    outputs without their bias, as the Inception Score takes them.
    """

    name = ENTRY.name
    dimension = ENTRY.dimension

    def __init__(self, weights: Path) -> None:
        self.weights = weights
        self.module, self.sha256 = _load(weights)
        self.origin = ENTRY.url if self.sha256 == ENTRY.sha256 else "a file that the study names"
        # Its own forward takes bytes only. Its children are registered in that forward's order, as a test makes sure.
        *layers, classify = self.module.children()
        assert isinstance(classify, nn.Linear)
        self._layers, self._classify = nn.Sequential(*layers), classify

    def __call__(self, images: Tensor) -> Features:
        """Features [N, 2048] of the last pooling and probabilities [N, 1008]. images [N, 1 or 3, H, W]."""
        features = torch.cat([self._layers(_resized(part)).flatten(1) for part in torch.split(images, PART)])
        return Features(features, (features @ self._classify.weight.T).softmax(1))


def _resized(images: Tensor) -> Tensor:
    """[N, 3, 299, 299] in about [-1, 1]. 255 times the float32 nearest to v / 255 rounds to v itself."""
    coloured = images.expand(-1, 3, -1, -1) * 255
    return (interpolate_bilinear_2d_like_tensorflow1x(coloured, (SIDE, SIDE), align_corners=False) - 128) / 128


def _load(path: Path) -> tuple[nn.Module, str]:
    """The network with a file's weights, and the sha256 of the very bytes that they were read from.

    torch-fidelity would run whatever code a file holds; it gets a copy, made of what was read without running any.
    """
    clean = io.BytesIO()
    try:
        content = path.read_bytes()
        torch.save(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True), clean)
        clean.seek(0)
        network = FeatureExtractorInceptionV3(ENTRY.name, ["2048"], feature_extractor_weights_path=clean)
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StudyError(
            f"{path}: expected the weights of {ENTRY.name} in torch-fidelity's format, but {reason:.200}; "
            "delete it and run gan-study prepare, or correct measure.weights"
        ) from error
    return network, hashlib.sha256(content).hexdigest()
