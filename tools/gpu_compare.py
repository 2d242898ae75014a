"""What tools/check_gpu compares: the vectors of a dataset, and the queries and keys that transformers
hands to its attention. Needs torch, numpy and pyarrow; record() needs transformers."""

import contextlib
import json
import time

import numpy as np
import pyarrow.parquet as pq


def read_dataset(folder):
    """{head: (example ids, positions, vectors [rows, head_dim])}"""
    out = {}
    for path in sorted(folder.glob("l*/data.parquet")):
        table = pq.read_table(path)
        rows = table.num_rows
        vectors = table["vector"].combine_chunks()
        values = np.asarray(vectors.flatten(), dtype=np.float32)
        out[path.parent.name] = (np.asarray(table["example_id"]), np.asarray(table["position"]),
                                 values.reshape(rows, -1))
    return out


def same_bits(left, right):
    """Of each pair of float32 numbers; 0 is not -0, and a NaN is itself."""
    return np.ascontiguousarray(left).view(np.int32) == np.ascontiguousarray(right).view(np.int32)


def same_vectors(left, right):
    """Whether two datasets hold the same rows with the same bits."""
    a, b = read_dataset(left), read_dataset(right)
    return bool(a) and sorted(a) == sorted(b) and all(same_rows(a[name], b[name]) for name in a)


def same_rows(left, right):
    return (np.array_equal(left[0], right[0]) and np.array_equal(left[1], right[1])
            and left[2].shape == right[2].shape and bool(same_bits(left[2], right[2]).all()))


class Distance:
    """Of vectors from vectors, over all that are added."""

    def __init__(self):
        self.count = self.equal = self.squares = self.reference = 0
        self.worst = self.excess = 0.0

    def add(self, expected, found, positions):
        wanted, got = expected.astype(np.float64), found.astype(np.float64)
        difference = np.abs(wanted - got)
        self.count += wanted.size
        if not np.isfinite(difference).all():  # no limit may hold
            self.worst = self.excess = self.squares = np.inf
            return
        largest = np.abs(wanted).max() or 1.0
        self.equal += int(same_bits(expected, found).sum())
        self.squares += float((difference**2).sum())
        self.reference += float((wanted**2).sum())
        by_row = difference.max(axis=1) / largest
        self.worst = max(self.worst, float(by_row.max()))
        # Frequencies of libraries may differ in their last bit (docs/verify.md).
        self.excess = max(self.excess, float((by_row / (1e-5 + positions * 2.0**-24)).max()))

    def result(self):
        return {"numbers": self.count, "equal": self.equal,
                "rms": (self.squares / self.reference) ** 0.5 if self.reference else None,
                "worst": self.worst, "of_limit": self.excess}


def compare_datasets(left, right):
    a, b = read_dataset(left), read_dataset(right)
    if not a or sorted(a) != sorted(b):
        raise RuntimeError(f"{left} and {right} hold other heads")
    distance = Distance()
    for name in a:
        if not (np.array_equal(a[name][0], b[name][0]) and np.array_equal(a[name][1], b[name][1])):
            raise RuntimeError(f"{name}: other rows")
        distance.add(a[name][2], b[name][2], a[name][1])
    return distance.result()


@contextlib.contextmanager
def attention_tapped(positions):
    """Yields {head: vectors} of what the models run inside give to `sdpa`. positions: {head: positions},
    or those of all heads."""
    import torch
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    original, taken = ALL_ATTENTION_FUNCTIONS["sdpa"], {}

    def tapped(module, query, key, value, *arguments, **options):
        for kind, heads in (("q", query), ("k", key)):
            for head in range(heads.shape[1]):
                name = f"l{module.layer_idx:02}h{head:02}{kind}"
                wanted = positions.get(name) if isinstance(positions, dict) else positions
                if wanted is not None:
                    rows = heads[0, head, torch.as_tensor(wanted, device=heads.device).long()]
                    taken[name] = rows.float().cpu().numpy()
        return original(module, query, key, value, *arguments, **options)

    ALL_ATTENTION_FUNCTIONS.register("sdpa", tapped)
    try:
        yield taken
    finally:
        ALL_ATTENTION_FUNCTIONS.register("sdpa", original)


def load_decoder(folder, dtype, device):
    """The decoder alone: logits of a long document would not fit."""
    import torch
    import transformers

    options = {"dtype": getattr(torch, dtype), "attn_implementation": "sdpa"}
    auto = transformers.AutoModelForCausalLM
    if json.loads((folder / "config.json").read_text())["model_type"] == "mllama_text_model":
        mllama = transformers.models.mllama
        options["config"] = mllama.configuration_mllama.MllamaTextConfig.from_pretrained(str(folder))
        auto = mllama.modeling_mllama.MllamaForCausalLM
    model = auto.from_pretrained(str(folder), **options).eval().to(device)
    decoder = getattr(model, "model", model)
    return getattr(decoder, "language_model", decoder)


def record(decoder, ids, positions, device):
    """{head: vectors} of transformers, and the seconds of the pass."""
    import torch

    device = torch.device(device)
    with torch.inference_mode(), attention_tapped(positions) as taken:
        begin = time.monotonic()
        decoder(input_ids=torch.tensor([ids], device=device), use_cache=False)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return dict(taken), time.monotonic() - begin


def positions_of(folder, example=0):
    """{head: positions} of a document."""
    return {name: positions[ids == example] for name, (ids, positions, _) in read_dataset(folder).items()}


def compare_with_record(folder, taken, example=0):
    """A document of a dataset against what record() took at these positions, in ascending order."""
    distance, dataset = Distance(), read_dataset(folder)
    for name, (ids, positions, vectors) in dataset.items():
        mine = ids == example
        if name not in taken:
            raise RuntimeError(f"transformers has no {name}")
        distance.add(taken[name], vectors[mine], positions[mine])
    return distance.result()
