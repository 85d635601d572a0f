"""What stands where in a worker's table: 64-bit numbers, most of them addresses, through which an operation finds all.

Operations get the table's address and the number of their instruction, nothing else: so all of them look alike to the
machine, and each is compiled by itself.
"""

(
    # Who and how many; where the first worker's table lies.
    WORKER, WORKERS, TABLES, COUNTERS, TOLD,
    # The network: instructions (whole numbers and constants), parameters, state, what uint8 pixels count.
    INSTRUCTIONS, LENGTH, CONSTANTS, PARAMETERS, SIZE, STATE, GREY,
    # The batch: pictures and the bytes of a row of them, which are its samples, their labels, weights (0: none),
    # and room for answers.
    PICTURES, PICTURE_BYTES, CHOSEN, LABELS, LABELLED, WEIGHTS, ANSWERS,
    # What is to be done, as whole numbers and as floats (below); the gradients of all workers, the optimizer's
    # vectors.
    ORDERS, RATES, GRADIENTS, SLOT, SLOT2,
    # What all workers tell each other: statistics of their shares, and what they found (below).
    STATISTICS, STATISTICS_WIDTH, FOUND,
    # The values of all layers, of all samples of a block.
    NUMBERS,
    # The worker's own memory: ∂loss/∂values in two halves, masks, winners, 1 / σ, room, sums of its inputs; lists
    # of ink, the pixels where their bands begin and how many bands there are for each worker; its parts of the
    # parameters.
    SPARE, HALF, KEPT, PLACES, SHARPNESS, ROOM, SUMS, FIRST, INK, AMOUNTS, START, INKED,
    SORTED_AMOUNTS, CUTS, BANDS, PARTS, PART_COUNT,
    # Operations that are no layer's.
    LOAD, COMPARE, GATHER, UPDATE,
    # Where the worker is: the first of its samples in the batch and in the block, and how many samples the block
    # has; whether training, whether the pixels are lists of ink, whether gradients are added to those of earlier
    # blocks, and in which half of `SPARE` ∂loss/∂output lies.
    SAMPLE, ROW, TOGETHER, TRAINING, LISTED, MORE, HERE,
    ENTRIES,
) = range(57)  # fmt: skip

TABLE_WIDTH = 64
"""How far apart the workers' tables are."""
LOSS_FOUND, RIGHT_FOUND, LENGTH_FOUND, INK_FOUND = range(4)
FOUND_WIDTH = 16
"""Floats that each worker has in `FOUND`: more than it needs, so that no two share a line of the cache."""

# In ORDERS: samples in the batch; the step's number, for random numbers; the optimizer's count; samples that the
# workers take through the layers at a time; bytes of a pixel (1, 4 or 8) and pixels of a picture; which loss and
# optimizer; how many parameters are weights; where the outputs lie, and how many they are; whether the first layer
# may skip zeros; whether answers are chances.
SAMPLES, STEP, STEPS, BLOCK, KIND, PIXELS, LOSS, OPTIMIZER, DECAYED, OUTPUTS_AT, CLASSES, SPARSE, CHANCES = range(13)

# In RATES: learning rate, label smoothing, whether the objective is a sum, λ of L2, the gradient's greatest length
# (0: any), what clipping leaves of this one, and from there the optimizer's own constants.
RATE, SMOOTHING, SUMMED, L2, CLIP, HYPER = range(6)
HYPERS = 4

# In an instruction: its operations' addresses; where its input and output begin in NUMBERS, and how many numbers of
# each a sample has; where its weights and biases begin in PARAMETERS; where it has a mask, x̂, or ∂loss/∂output of
# all; where winners, or 1 / σ, or how much room it takes; where statistics and running means; whether somebody asks
# for ∂loss/∂x; whether its input are the pixels; whether workers divide its inputs; dropout's key and limit; channels
# or features; and, last, the shape of image and windows: height, width, inputs, kh, kw, down, across, top, left,
# rows, columns.
(
    FORWARD, BACKWARD, INPUT, OUTPUT, INPUTS, OUTPUTS, W, B, MASK, PLACE, STATISTIC, RUNNING, TO_INPUT, ON_PIXELS,
    DIVIDED, KEY, LIMIT, FEATURES, SHAPE,
) = range(19)  # fmt: skip
INSTRUCTION = SHAPE + 11

# A part of the parameters that is a worker's to move: where it begins, how long it is, whether the gradients of all
# workers are to be added up, and whether they are weights.
START_AT, LONG, SUMMED_UP, DECAYS = range(4)
PART = 4
