"""What is pinned to the board is read back as it was, whoever wrote it, and the dead are told from the living."""

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.board import ENDINGS, Board, Head, Job, alive
from study.heartbeat import LOST, now
from study.results.store import Store
from tests.cluster.stage import ago, ended, life, notice, submission


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(Store(tmp_path / "results" / "tiny"))


def test_an_empty_board(board: Board) -> None:
    assert (board.head(), board.newest(), board.leader(), board.life("head.12.0")) == (None, None, None, None)
    assert (board.lives(), board.heads(), board.all_submissions()) == ([], [], [])
    board.remove_head()
    assert not board.folder.exists()  # to look at it makes nothing


def test_the_token_is_secret_and_made_once(board: Board) -> None:
    before = os.umask(0)
    try:
        token = board.make_token()
    finally:
        os.umask(before)
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    secret = token.read_text()
    assert len(bytes.fromhex(secret)) == 32
    assert board.make_token() == token
    assert token.read_text() == secret
    assert [path.name for path in board.folder.iterdir()] == ["token"]
    assert Board(Store(board.store.folder.with_name("other"))).make_token().read_text() != secret


def test_the_heads_notice_comes_and_goes(board: Board) -> None:
    for head in (notice(), Head("10.0.0.2:1", "head.12.1", 0, ago(0))):
        board.write_head(head)
        assert board.head() == head
    board.remove_head()
    board.remove_head()
    assert board.head() is None


def test_lives_are_read_back_in_the_order_of_their_starts(board: Board) -> None:
    lives = [
        life("13_10", started_at=ago(90)),
        ended("12", "preempted", role="head", started_at=ago(80), requeued=True, deadline=ago(-60)),
        life("13_2", started_at=ago(70), log=None),
        life("12", "head", restart=1, started_at=ago(60)),
    ]
    for each in reversed(lives):
        board.write_life(each)
    assert board.lives() == lives
    assert board.lives("worker") == [lives[0], lives[2]]
    assert board.heads() == [lives[1], lives[3]]
    assert board.life("head.12.1") == lives[3]
    assert board.life("head.12.2") is None
    assert lives[0].name == "worker.13_10.0"
    board.write_life(replace(lives[0], seen_at=now()))
    assert len(board.lives()) == 4
    assert board.lives()[0].silent() < 1


def test_the_living_have_neither_ended_nor_fallen_silent(board: Board) -> None:
    lives = [life("13_0"), life("13_1", seen=LOST - 5), life("13_2", seen=LOST + 5), ended("13_3", "idle")]
    assert list(alive(lives)) == lives[:2]
    board.write_life(life("13_0"))
    assert board.leader() is None
    for head in (ended("12", "preempted", role="head"), life("12", "head", seen=LOST + 5, restart=1)):
        board.write_life(head)
        assert board.leader() is None
    board.write_life(life("12", "head", seen=LOST - 5, restart=2))
    leader = board.leader()
    assert leader is not None
    assert leader.restart == 2


def test_an_ending_a_moment_ago_is_an_ending() -> None:
    assert list(alive([life("13_0", ended_at=ago(0), ending=next(iter(ENDINGS)))])) == []


def test_hours_are_counted_to_the_end_or_as_long_as_it_was_seen() -> None:
    began = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    one = replace(life("13_0"), started_at=began.isoformat(), seen_at=began.replace(hour=2).isoformat())
    assert one.hours() == 2
    assert replace(one, ended_at=began.astimezone(UTC).replace(hour=3).isoformat()).hours() == 3


def test_submissions_are_read_back_and_the_newest_is_the_highest(board: Board) -> None:
    sent = [submission(number=number, jobs=()) for number in (1, 2, 9, 10)]
    for each in reversed(sent):
        board.write_submission(each)
    assert board.all_submissions() == sent
    assert board.newest() == sent[-1]
    more = replace(sent[0], jobs=(Job("both", "12", 1, "a.sh"),), forgiven={"f" * 16: 2}, cancelled_at=ago(0))
    board.write_submission(more)
    assert board.submission(1) == more
    assert board.newest() == sent[-1]
    assert more.again == "submit tiny --cluster lab"
    assert board.study_file(10) == board.folder / "submissions" / "0010.yaml"


def test_a_jobs_log_is_told_from_the_studys_folder(board: Board) -> None:
    assert board.log_of("13_2") == "cluster/jobs/13_2_0_log.out"
