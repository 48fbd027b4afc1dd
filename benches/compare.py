#!/usr/bin/env python3
"""What a notebook does with NumPy or PyTorch, beside lexiscope's bench, in one run.

    python3 benches/compare.py [--threads N]

Prints both, and how many times faster lexiscope is. Without PyTorch it uses NumPy; without either
it says so and measures nothing. Sizes are those of GPT-2 medium with 51,200 tokens.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

VOCAB, WIDTH, HEAD, PAIRS, TOKENS = 51_200, 1024, 64, 50, 30
# The notebook's product does not fit into most memories (10 GB): a part of its rows is measured,
# and counted as often as it is contained in the whole.
NOTEBOOK_PART = 32
# How many scores its threshold may leave.
NOTEBOOK_LEAST, NOTEBOOK_MOST = 500, 250_000


def library(threads):
    """The products and selections of PyTorch, or of NumPy: name, random, best."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    try:
        import torch

        torch.set_num_threads(threads)

        def best(scores, k):
            return torch.topk(scores.flatten(), k)

        return f"PyTorch {torch.__version__}", torch.randn, best
    except ImportError:
        pass
    try:
        import numpy
    except ImportError:
        return None
    generator = numpy.random.default_rng(1)

    def random(*shape):
        return generator.standard_normal(shape, dtype=numpy.float32)

    def best(scores, k):
        flat = scores.reshape(-1)
        ids = numpy.argpartition(flat, len(flat) - k)[len(flat) - k :]
        return flat[ids], ids

    return f"NumPy {numpy.__version__}", random, best


def seconds(work, times=3):
    """The median of a few."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def notebooks_head(embedding, random):
    """E·(W_V·W_O)·Eᵀ as one matrix, then a threshold by bisection until few enough of its scores
    are above, and where these are (Dar et al., whose notebook sorts and filters them)."""
    left, right = random(WIDTH, HEAD), random(HEAD, WIDTH)
    rows = embedding[: VOCAB // NOTEBOOK_PART]

    def work():
        scores = (rows @ (left @ right)) @ embedding.T
        low, high = float(scores.min()), float(scores.max())
        while True:
            threshold = (low + high) / 2
            above = scores > threshold
            count = int(above.sum()) * NOTEBOOK_PART
            if count > NOTEBOOK_MOST:
                low = threshold
            elif count < NOTEBOOK_LEAST:
                high = threshold
            else:
                break
        above.nonzero()

    return seconds(work, 3) * NOTEBOOK_PART


def blocked_head(embedding, random, best):
    """The factored product in blocks of rows, each with a partial sort: with its factors."""
    left, right = random(WIDTH, HEAD), random(WIDTH, HEAD)

    def work():
        a, b = embedding @ left, embedding @ right
        for start in range(0, VOCAB, 512):
            best(a[start : start + 512] @ b.T, PAIRS)

    return seconds(work, 1)


def columns(embedding, random, best):
    """A key's and a value's scores, and both ends of each."""
    vectors = random(WIDTH, 2)

    def work():
        scores = embedding @ vectors
        for column in (scores[:, 0], scores[:, 1]):
            best(column, TOKENS)
            best(-column, TOKENS)

    return seconds(work, 9)


def product_rate(embedding, random):
    """Operations a second of one large product."""
    vectors = random(WIDTH, 512)
    return 2 * VOCAB * WIDTH * 512 / seconds(lambda: embedding @ vectors)


def lexiscope(threads):
    """The figures of `cargo bench --bench projection`, by name."""
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
    command = ["cargo", "bench", "--bench", "projection"]
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    print(done.stdout)
    lines = (re.match(r"(\S.*?)\s{2,}(-?[\d.]+) (\S+)$", line) for line in done.stdout.splitlines())
    return {line[1]: float(line[2]) for line in lines if line}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    threads = parser.parse_args().threads
    found = library(threads)
    if not found:
        print("skipped: neither PyTorch nor NumPy is installed")
        return
    name, random, best = found
    embedding = random(VOCAB, WIDTH)
    theirs = {
        "notebook": notebooks_head(embedding, random),
        "blocked": blocked_head(embedding, random, best),
        "columns": columns(embedding, random, best),
        "rate": product_rate(embedding, random),
    }
    del embedding
    ours = lexiscope(threads)
    head = ours["pairs, a head's factors"] + ours["pairs, trained-like"]
    print(f"{name}, {threads} threads")
    rows = [
        ("a head as the notebook has it", theirs["notebook"], head / 1e3),
        ("a head in blocks with a partial sort", theirs["blocked"], head / 1e3),
        ("a neuron's columns", theirs["columns"], ours["neurons, a neuron's columns, cold"] / 1e3),
    ]
    for what, slow, fast in rows:
        print(f"{what:<40} {slow:8.3f} s  lexiscope {fast:7.3f} s  {slow / fast:7.1f} ×")
    rate, scan = theirs["rate"] / 1e9, ours["scan, rate of the neurons"]
    what = "rate of products, GFLOP/s"
    print(f"{what:<40} {rate:8.1f}    scan      {scan:7.1f}    {scan / rate:7.2f} ×")


if __name__ == "__main__":
    main()
