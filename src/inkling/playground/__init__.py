"""The playground: a page on which a network learns before one's eyes, and every number can be opened.

`server` serves the page and keeps a `session` for each browser tab; each session has a process of its own, `worker`,
in which the one training loop runs with one more callback, `watcher`. The page shows what these compute, and computes
nothing itself. `messages` says what page and server may say to each other, and in which words; `frames` how arrays
travel.
"""
