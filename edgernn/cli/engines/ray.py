"""With Ray Data: on every processor of this machine, or on the cluster that RAY_ADDRESS names.

Every machine of a cluster must see the model, the files and the output folder under the same paths.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Any

from edgernn.cli.engines import Pairs
from edgernn.cli.scorer import Scored, Scorer

# More blocks than this cost more to plan than they help to share the work evenly.
_MOST_BLOCKS = 2000


class _Worker:
    """A process of Ray, which loads the model once."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        scored = self._scorer(row["source"], row["target"])
        return {"source": scored.source, "error": scored.error}


def score(scorer: Scorer, pairs: Pairs, workers: int | None) -> Iterator[Scored]:
    """See the package."""
    import ray
    import ray.data

    elsewhere = bool(os.environ.get("RAY_ADDRESS"))
    size = workers or os.cpu_count() or 1
    ray.init(
        num_cpus=None if elsewhere else size,
        include_dashboard=None if elsewhere else False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False  # edgernn has its own
        rows = [{"source": source, "target": target} for source, target in pairs]
        worker: Any = _Worker  # ray's types know functions alone
        dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS)).map(
            worker,
            fn_constructor_args=(scorer,),
            compute=ray.data.ActorPoolStrategy(size=min(size, len(rows))),
        )
        for row in dataset.iter_rows():
            yield Scored(row["source"], row["error"])
    finally:
        ray.shutdown()
