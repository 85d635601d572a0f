"""Training: one loop, one history, and callbacks that watch it.

`Trainer` (trainer.py) is the loop; what it measures goes into a `History`; whatever watches it is a `Callback`.
"""

from inkling.training.callbacks import Callback, Checkpoint, CSVLog, EarlyStopping, WeightAverage
from inkling.training.ensemble import Ensemble
from inkling.training.evaluation import Evaluation, evaluate
from inkling.training.health import Health, TrainingDiverged, TrainingWarning
from inkling.training.history import Epoch, History
from inkling.training.progress import Progress
from inkling.training.robustness import corrupted_accuracies
from inkling.training.runs import load_runs
from inkling.training.trace import LayerTrace, Trace, trace
from inkling.training.trainer import Trainer
from inkling.training.vitals import Sign, Vitals, read_vitals

__all__ = [
    "CSVLog",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "Ensemble",
    "Epoch",
    "Evaluation",
    "Health",
    "History",
    "LayerTrace",
    "Progress",
    "Sign",
    "Trace",
    "Trainer",
    "TrainingDiverged",
    "TrainingWarning",
    "Vitals",
    "WeightAverage",
    "corrupted_accuracies",
    "evaluate",
    "load_runs",
    "read_vitals",
    "trace",
]
