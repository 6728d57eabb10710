"""A parent run that is open: what came of its stages, and how it will end."""

from pathlib import Path

from pydantic import BaseModel

from pipeline.record.reproduction import Reproduction, Status
from pipeline.record.spool import End, Spool


class Parent(BaseModel):
    """A parent run in MLflow that is still RUNNING.

    Args:
        reproduction: whose run it is.
        run: its id in MLflow.
        experiment: that one's id.
        gate: what became of a model that was registered; empty without one.
        stages: the last status of each stage that ended; a retry that succeeds makes good.
        last: when the last stage ended.
    """

    reproduction: Reproduction
    run: str
    experiment: str
    gate: str = ""
    stages: dict[str, Status] = {}
    last: int | None = None

    @classmethod
    def read(cls, path: Path) -> "Parent | None":
        """None if it is not open."""
        return cls.model_validate_json(path.read_bytes()) if path.exists() else None

    def ending(self, spool: Spool) -> tuple[Status, int | None] | None:
        """Status and time of its end; None while the reproduction goes on."""
        is_alive = self.reproduction.process.is_alive
        # Read after that look: a flow that is gone by now has announced its end before.
        if (announced := spool.end(self.reproduction)).exists():
            end = End.model_validate_json(announced.read_bytes())
            return end.status, end.ended
        if is_alive:
            return None
        if self.reproduction.attempt:  # a flow that vanished without a word was killed
            return "KILLED", self.last
        worst: tuple[Status, ...] = ("KILLED", "FAILED", "FINISHED")
        return min(self.stages.values(), key=worst.index, default="FINISHED"), self.last
