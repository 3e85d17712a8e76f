"""One trial, from its place in the plan to its rows: resume, train to the next evaluation, measure, write, yield."""

import logging
from collections.abc import Iterator

import torch

from study.attempt import begin, ended
from study.plan import Planned
from study.provenance import of_attempt
from study.results.rowfile import Row
from study.results.store import Store
from study.session import Left, Options, Session, tidy

log = logging.getLogger("study")


def run(planned: Planned, store: Store, options: Options) -> Iterator[Row]:
    """Yields each evaluation's row once it is on disk; ends at the last step, or early when the trial diverges.

    Starts from the newest checkpoint, so that calling it again after any interruption continues, bit for bit. An
    exception becomes a row with status failed and is raised again. Nothing is yielded for a trial that has ended.
    Raises Left, with a checkpoint saved, where the machine is to be left.
    """
    torch.set_num_threads(options.threads)
    common = {**of_attempt(store, options.device, options.threads), "study_yaml": options.study_yaml}
    with begin(planned, store, common, options.data) as attempt:
        if attempt is None:
            tidy(store.trial_folder(planned.trial.id), options)
            return
        session = None
        try:
            session = Session(attempt, options)
            while not session.over:
                yield session.next_row()
        except Left as reason:
            log.info("%s", reason)
            attempt.leave(str(reason))
            raise
        except Exception as error:
            log.exception("failed")
            if not ended(attempt.rows):  # what fails after the last row takes nothing away from it
                attempt.fail(session.training.step if session else 0, error, session.used() if session else {})
            raise
