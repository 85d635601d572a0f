"""What a session's process needs, loaded once: processes begin as copies of one that has imported this."""

import PIL.Image
import scipy.ndimage

import inkling.playground.worker

__all__ = ["PIL", "inkling", "scipy"]
