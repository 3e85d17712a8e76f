"""The energy of processor packages, from a folder in the kernel's form."""

from pathlib import Path

import pytest

from study import durable, energy
from study.attempt import begin
from study.energy import Meter
from study.heartbeat import read
from study.results.store import Store
from study.whereabouts import sign_of_life
from tests.conftest import tiny_trial
from tests.test_heartbeat import eventually

RANGE = 262_143_328_850  # microjoules: 2^32 of the units of 61 that most processors count in


def zone(folder: Path, number: str, name: str, microjoules: int) -> Path:
    """A zone of the power cap, as Linux shows it."""
    path = folder / f"intel-rapl:{number}"
    path.mkdir(parents=True)
    for file, content in (("name", name), ("max_energy_range_uj", RANGE), ("energy_uj", microjoules)):
        (path / file).write_text(f"{content}\n")
    return path


def count(package: Path, microjoules: int) -> None:
    """In one step, as the kernel does: nobody reads half of it."""
    durable.write_bytes(package / "energy_uj", f"{microjoules}\n".encode(), fsync=False)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A machine of two packages, with parts of the first, and the whole board."""
    (tmp_path / "intel-rapl").mkdir()
    packages = zone(tmp_path, "0", "package-0", 1_000_000), zone(tmp_path, "1", "package-1", 5_000_000)
    for number, name in (("0:0", "core"), ("0:1", "dram"), ("2", "psys")):
        zone(tmp_path, number, name, 0)
    return (tmp_path, *packages)


def test_whole_packages_are_summed_and_nothing_is_counted_twice(two: tuple[Path, Path, Path]) -> None:
    folder, first, second = two
    meter = Meter(folder)
    assert meter.joules() == 0.0
    count(first, 3_500_000)
    count(second, 5_250_000)
    for part in ("0:0", "0:1", "2"):
        count(folder / f"intel-rapl:{part}", 900_000_000)
    assert meter.joules() == 2.75
    assert meter.joules() == 2.75
    assert Meter(folder).joules() == 0.0  # each counts from its own beginning


def test_a_counter_that_begins_anew_loses_nothing(two: tuple[Path, Path, Path]) -> None:
    folder, first, second = two
    count(first, RANGE - 2_000_000)
    meter = Meter(folder)
    count(first, 1_000_000)
    assert meter.joules() == 3.0
    count(first, RANGE)
    count(second, 6_000_000)
    assert meter.joules() == pytest.approx(3.0 + RANGE / 1e6 - 1 + 1)
    count(first, 500_000)
    assert meter.joules() == pytest.approx(3.0 + RANGE / 1e6 + 0.5)


@pytest.mark.parametrize("damage", ["no folder", "no package", "no counter", "nonsense", "no range"])
def test_a_machine_that_does_not_tell_has_no_energy(damage: str, two: tuple[Path, Path, Path], tmp_path: Path) -> None:
    folder, first, _ = two
    if damage == "no folder":
        folder = tmp_path / "nowhere"
    elif damage == "no package":
        folder = tmp_path / "other"
        zone(folder, "0", "psys", 1)
    elif damage == "no counter":
        (first / "energy_uj").unlink()
    elif damage == "nonsense":
        (first / "energy_uj").write_text("")
    else:
        (first / "max_energy_range_uj").unlink()
    meter = Meter(folder)
    assert [meter.joules(), meter.joules()] == [None, None]


def test_what_was_missed_in_between_is_not_made_up(two: tuple[Path, Path, Path]) -> None:
    folder, first, _ = two
    meter = Meter(folder)
    (first / "energy_uj").rename(first / "hidden")
    assert meter.joules() is None
    (first / "hidden").rename(first / "energy_uj")
    count(first, 9_000_000)
    assert meter.joules() is None


def test_every_row_has_what_was_used_since_its_attempt_began(
    two: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a counter begins anew between two rows: the heartbeat reads it too."""
    folder, first, _ = two
    monkeypatch.setattr(energy, "POWERCAP", folder)
    monkeypatch.setattr("study.heartbeat.HEARTBEAT", 0.01)
    planned, store = tiny_trial(), Store(tmp_path / "store")
    for attempt in (1, 2):
        count(first, RANGE - 1_000_000)
        with begin(planned, store, {}) as made:
            assert made is not None
            assert made.add(10, {"status": "ok"})["energy_joules"] == 0.0
            for microjoules in (RANGE // 2, RANGE - 2_000_000):  # once around, but for a joule
                count(first, microjoules)
                two_beats(sign_of_life(store, planned.trial.id))
            assert made.add(20, {"status": "ok"})["energy_joules"] == pytest.approx(RANGE / 1e6 - 1)
        assert [row["energy_joules"] for row in store.read(planned.trial.id) if row["attempt"] == attempt] == [
            0.0, pytest.approx(RANGE / 1e6 - 1)
        ]  # fmt: skip


def two_beats(sign: Path) -> None:
    """Waits for a heartbeat that has begun after the call."""
    for _ in range(2):
        before = read(sign)
        eventually(lambda before=before: read(sign) != before)


def test_a_machine_without_counters_leaves_the_column_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nowhere")
    planned, store = tiny_trial(), Store(tmp_path / "store")
    with begin(planned, store, {}) as made:
        assert made is not None
        assert made.add(10, {"status": "ok"})["energy_joules"] is None
