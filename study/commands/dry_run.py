"""What submit would send, shown instead of sent."""

from datetime import datetime, timedelta

from cluster import slurm
from cluster.board import Board, Submission
from cluster.profile import Profile
from cluster.submission import Batch, Sender
from study import source
from study.commands.common import console, duration
from study.commands.sending import Missing, Sending
from study.cost import cost, recorded
from study.heartbeat import now
from study.results.store import Store
from study.spec import Study


def show(order: Sending, study: Study, profile: Profile, missing: Missing) -> None:
    """Prints every sbatch text, how many jobs there are, and what they will cost; writes nothing and sends nothing."""
    store = Store((order.results / study.name).resolve())
    submission = Submission(
        number=1, study=order.study, cluster=order.cluster, statuses=tuple(sorted(order.statuses)), forgiven={},
        data=str(order.data.resolve()), profile=profile.model_dump(mode="json"), source=source.fingerprint(),
        submitted_at=now(),
    )  # fmt: skip
    sender = Sender(Board(store), submission, profile)
    if not slurm.available():
        console.print("This machine has no Slurm, so its limits are not known; arrays are as large as Slurm's default.")
    batches = sender.plan()
    for batch in batches:
        tasks = f", {batch.tasks} of it, {batch.at_once} at a time" if batch.role == "worker" else ""
        console.print(f"--- {batch.role}{tasks}\n{sender.script(batch).strip()}\n")
    console.print(_sum(study, profile, missing, batches, store))


def _sum(study: Study, profile: Profile, missing: Missing, batches: list[Batch], store: Store) -> str:
    """The closing lines: jobs, trials per worker, hours, and when it may be done."""
    workers = sum(batch.tasks for batch in batches if batch.role != "head")
    at_once = min(workers, profile.workers.at_once or workers)
    slots = profile.slots(study.resources)
    expected = cost(missing.trials, recorded(store.folder), at_once * slots)
    lines = [
        f"{study.name}: {sum(batch.tasks for batch in batches)} jobs in {len(batches)} calls of sbatch: "
        + ", ".join(f"{batch.tasks} {batch.role}" for batch in batches),
        f"{len(missing.trials):,} trials"
        + f", and {missing.later:,} more once their settings can be selected" * bool(missing.later)
        + f", on {workers} workers of {slots} at once: about {len(missing.trials) / workers:.1f} trials a worker",
    ]
    if expected["hours"] is not None:
        unit, count = ("GPU-hours", profile.workers.gpus) if profile.workers.gpus else ("worker-hours", 1)
        finish = datetime.now() + timedelta(hours=expected["hours"])
        lines += [
            f"about {expected['hours'] * at_once * count:.3g} {unit}, in {duration(expected['hours'] * 3600)} if all "
            f"{at_once} are up at once: done on {finish:%Y-%m-%d at %H:%M} if they start now ({expected['basis']})",
        ]
    return "\n".join([*lines, "nothing was sent: this was a dry run"])
