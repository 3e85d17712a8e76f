"""A space in Optuna's words, for a study's ask or the space of Ray's OptunaSearch."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform
from search_spaces.space import Space


def to_optuna(space: Space, loss: str, variant: str) -> dict[str, BaseDistribution]:
    """Hyperparameter -> Optuna's distribution, inclusive, in natural units, in the order of `Space.for_loss`.

    They equal what Ray's OptunaSearch makes of `to_ray`. A constant is a choice of one, so that what Optuna suggests
    is a whole setting. The loss's default is no part of it, and cannot always be enqueued: Optuna refuses a value that
    is none of its choices, as ns's beta1 0 in the narrow space. Raises StudyError for a loss without a row.
    """
    return {name: _distribution(dimension) for name, dimension in space.for_loss(loss, variant).items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    match dimension:
        case Constant(value):
            return CategoricalDistribution([value])
        case Uniform(low, high):
            return FloatDistribution(low, high)
        case LogUniform(low, high):
            return FloatDistribution(low, high, log=True)
        case Choice(values):
            return CategoricalDistribution(values)
