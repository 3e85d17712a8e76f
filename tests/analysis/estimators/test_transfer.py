"""What a setting is worth elsewhere."""

import math

import numpy as np

from analysis.estimators import transfer

INF = math.inf


def test_the_chosen_setting_is_the_first_of_the_least() -> None:
    assert transfer.chosen(np.array([3.0, math.nan, 1.0, 1.0, INF])) == 2
    assert transfer.chosen(np.array([INF, math.nan])) == -1


def test_ranks_average_ties_and_failures() -> None:
    found = transfer.ranks(np.array([3.0, INF, 1.0, INF, math.nan]))
    np.testing.assert_array_equal(found, [2.0, 3.5, 1.0, 3.5, math.nan])


def test_regret_by_hand() -> None:
    assert transfer.regret(6.0, 4.0) == 1.5
    assert transfer.regret(INF, 4.0) == INF
    assert math.isnan(transfer.regret(6.0, 0.0))
