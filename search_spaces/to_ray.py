"""A space in Ray Tune's words, for the param_space of a Tuner, which turns it into its searcher's own."""

from ray import tune
from ray.tune.search.sample import Domain

from search_spaces.dimensions import Choice, Constant, Dimension, LogUniform, Uniform
from search_spaces.space import Space


def to_ray(space: Space, loss: str, variant: str) -> dict[str, Domain]:
    """Hyperparameter -> Ray's domain, in natural units, in the order of `Space.for_loss`.

    A constant is a choice of one: a plain value is lost where Ray turns the space into another library's, and what a
    searcher suggests would be no whole setting. The loss's default, which may lie outside of its dimension, is no part
    of it. Raises StudyError for a loss that the space has no row for.
    """
    return {name: _domain(dimension) for name, dimension in space.for_loss(loss, variant).items()}


def _domain(dimension: Dimension) -> Domain:
    match dimension:
        case Constant(value):
            return tune.choice([value])
        case Uniform(low, high):
            return tune.uniform(low, high)
        case LogUniform(low, high):
            return tune.loguniform(low, high)
        case Choice(values):
            return tune.choice(list(values))
