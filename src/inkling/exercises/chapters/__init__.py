"""The exercises themselves, a file or two for each chapter of the book."""
