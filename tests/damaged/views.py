"""Writes views.bin and views-legacy.bin, state dicts whose tensors are views with marks or no views at
all, and views.json, the numbers that PyTorch has for them. Run with PyTorch 2.15."""

import json
from pathlib import Path

import torch

here = Path(__file__).parent
torch.manual_seed(7)
pairs = torch.complex(torch.randn(3, 4), torch.randn(3, 4))
numbers = torch.randn(3, 4)

views = {
    # The imaginary part of a conjugate is a view with the negative bit set.
    "negative": pairs.conj().imag,
    "negative.turned": pairs.conj().imag.t(),
    "negative.part": pairs.conj().imag[1:, 1:3],
    "negative.parameter": torch.nn.Parameter(pairs.conj().imag.detach()),
    "positive": pairs.imag,
    "conjugate.of.real": numbers.conj(),
    "half": torch._neg_view(numbers.to(torch.bfloat16)),
}
assert all(view.is_neg() for name, view in views.items() if name.startswith(("negative", "half")))
unreadable = {
    "sparse": torch.eye(3).to_sparse(),
    "quantised": torch.quantize_per_tensor(numbers, 0.1, 0, torch.qint8),
    "meta": torch.empty(3, 4, device="meta"),
    "fp8": numbers.to(torch.float8_e4m3fn),
    "complex": pairs.clone(),
}
torch.save(views | unreadable, here / "views.bin")
torch.save(views, here / "views-legacy.bin", _use_new_zipfile_serialization=False)
answers = {name: view.resolve_neg().float().tolist() for name, view in views.items()}
(here / "views.json").write_text(json.dumps(answers) + "\n")
