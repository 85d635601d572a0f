"""Pictures of the network and what it does, one function and one file each. Every function returns a figure."""

from inkling.figures.activations import activation_functions, activation_shapes
from inkling.figures.architecture import architecture
from inkling.figures.backward import backward_pass
from inkling.figures.comparison import comparison
from inkling.figures.confusion import confusion
from inkling.figures.corruptions import corruptions
from inkling.figures.curves import learning_curves
from inkling.figures.distortions import distortions
from inkling.figures.feature_maps import feature_maps
from inkling.figures.forward import forward_pass
from inkling.figures.kernels import kernels
from inkling.figures.mistakes import mistakes
from inkling.figures.predictions import predictions
from inkling.figures.saliency import saliency
from inkling.figures.samples import samples
from inkling.figures.seeing import seeing
from inkling.figures.updates import one_step, since_start, weight_update
from inkling.figures.vitals import vital_signs
from inkling.figures.weights import first_layer_weights

__all__ = [
    "activation_functions",
    "activation_shapes",
    "architecture",
    "backward_pass",
    "comparison",
    "confusion",
    "corruptions",
    "distortions",
    "feature_maps",
    "first_layer_weights",
    "forward_pass",
    "kernels",
    "learning_curves",
    "mistakes",
    "one_step",
    "predictions",
    "saliency",
    "samples",
    "seeing",
    "since_start",
    "vital_signs",
    "weight_update",
]
