"""The steps of tools/check_gpu that need torch alone: its attention kernels at long lengths, against
exact rows; the call with an n x n mask that the original makes for windowed layers."""

import time

HEADS = ((32, 8, 128), (8, 4, 256), (32, 8, 64))  # query heads, key heads, head size


def tensors(torch, step, tokens, heads, dtype):
    device = step.device.removeprefix("torch:")
    generator = torch.Generator(device).manual_seed(tokens)
    queries, keys, size = heads
    return [torch.randn((1, count, tokens, size), generator=generator, device=device).to(dtype)
            for count in (queries, keys, keys)]


def chosen_rows(tokens):
    """Rows at both ends, between, and around 65,536, where 32-bit offsets of masks end."""
    rows = {0, 1, tokens // 3, tokens // 2, tokens - 1}
    rows |= {row for edge in (16384, 32768, 65536) for row in (edge - 1, edge, edge + 1, edge + 4096)}
    return sorted(row for row in rows if 0 <= row < tokens)


def exact_rows(torch, query, key, value, rows, window):
    """Those rows of attention in float32, one by one: [heads, rows, size]."""
    group = query.shape[1] // key.shape[1]
    out = []
    for row in rows:
        first = max(0, row + 1 - window) if window else 0
        keys = key[0, :, first : row + 1].float().repeat_interleave(group, 0)
        values = value[0, :, first : row + 1].float().repeat_interleave(group, 0)
        scores = (keys @ query[0, :, row, :, None].float())[..., 0] * query.shape[-1] ** -0.5
        out.append((torch.softmax(scores, -1)[:, None] @ values)[:, 0])
    return torch.stack(out, 1)


def wrong_rows(torch, found, exact, rows, dtype):
    """Rows that are off by more than the noise of the type, and the largest rms of a row."""
    limit = {"bfloat16": 0.03, "float16": 0.005, "float32": 1e-3}[str(dtype).removeprefix("torch.")]
    difference = (found[0][:, rows].float() - exact).square().mean((0, 2)).sqrt()
    relative = (difference / exact.square().mean((0, 2)).sqrt()).tolist()
    return {"wrong_rows": [row for row, error in zip(rows, relative) if not error <= limit],
            "rms": max(relative)}


def timed(torch, step, call):
    cuda = step.device.startswith("cuda")
    out = call()
    if cuda:
        torch.cuda.synchronize()
    begin = time.monotonic()
    for _ in range(2):
        out = call()
    if cuda:
        torch.cuda.synchronize()
    return out, (time.monotonic() - begin) / 2


def kernels(torch, query, key, value, window):
    """{name: call} of every kernel that may serve."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    def sdpa(backend, expand=False, mask=None):
        group = query.shape[1] // key.shape[1]
        keys, values = (x.repeat_interleave(group, 1) if expand else x for x in (key, value))

        def call():
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(
                    query, keys, values, attn_mask=mask, is_causal=mask is None, enable_gqa=not expand)
        return call

    def flash(left):
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        tokens = query.shape[2]
        return lambda: torch.ops.aten._flash_attention_forward(
            q, k, v, None, None, tokens, tokens, 0.0, True, False, scale=query.shape[-1] ** -0.5,
            window_size_left=left, window_size_right=0)[0].transpose(1, 2)

    if window:
        return {"flash with a window": flash(window - 1),
                "bands": lambda: bands(torch, query, key, value, window)}
    return {"cudnn": sdpa(SDPBackend.CUDNN_ATTENTION), "flash": sdpa(SDPBackend.FLASH_ATTENTION),
            "flash, bottom right": flash(-1), "efficient": sdpa(SDPBackend.EFFICIENT_ATTENTION, True),
            "math": sdpa(SDPBackend.MATH, True)}


def bands(torch, query, key, value, window):
    """Blocks of queries with one small mask each."""
    block, tokens = max(window, 256), query.shape[2]
    out = torch.empty_like(query)
    for begin in range(0, tokens, block):
        end, first = min(begin + block, tokens), max(0, begin - window + 1)
        places = torch.arange(first, end, device=query.device)
        rows = torch.arange(begin, end, device=query.device)[:, None]
        mask = (places <= rows) & (places > rows - window)
        out[:, :, begin:end] = torch.nn.functional.scaled_dot_product_attention(
            query[:, :, begin:end], key[:, :, first:end], value[:, :, first:end], attn_mask=mask,
            enable_gqa=True)
    return out


def measure(torch, step, tokens, heads, dtype, window):
    query, key, value = tensors(torch, step, tokens, heads, dtype)
    rows = chosen_rows(tokens)
    exact = exact_rows(torch, query, key, value, rows, window)
    pairs = tokens * window if window else tokens * tokens / 2
    out = {}
    for name, call in kernels(torch, query, key, value, window).items():
        if name == "math" and tokens > 8192:
            continue
        try:
            found, seconds = timed(torch, step, call)
        except Exception as error:  # a kernel that does not serve this shape
            out[name] = {"refused": f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"}
            continue
        out[name] = {"ms": 1000 * seconds, "tflops": 4 * pairs * heads[0] * heads[2] / seconds / 1e12,
                     **wrong_rows(torch, found, exact, rows, dtype)}
    return out


def attention(step):
    import torch

    lengths = [96, 300] if step.small else [8192, 32768, 131072]
    step.note(limit="rms of a row: 3 % in bfloat16, 0.1 % in float32", rates={})
    served = {}
    for tokens in lengths:
        for dtype, windows in ((torch.bfloat16, (0, 512, 1024, 4096)), (torch.float32, (0,))):
            for heads in HEADS:
                for window in windows:
                    if dtype == torch.float32 and tokens > 32768 or window >= tokens:
                        continue
                    name = f"{tokens} tokens, {heads[0]}/{heads[1]} heads of {heads[2]}, " \
                           f"{str(dtype).removeprefix('torch.')}, window {window or 'none'}"
                    found = step.attempt(name, measure, torch, step, tokens, heads, dtype, window)
                    step.note(rates={**step.result["rates"], name: found})
                    served[name] = found and any("wrong_rows" in one for one in found.values())
    wrong = {f"{name}: {kernel}": one["wrong_rows"] for name, found in step.result["rates"].items()
             for kernel, one in (found or {}).items() if one.get("wrong_rows")}
    step.note(wrong=wrong)
    step.require("every shape has a kernel", all(served.values()))
    step.require("no kernel gives wrong rows", not wrong)


def masked(step):
    """A window as an n x n mask and the memory-efficient kernel, as the original's layers may run."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    tokens, window, heads = (300, 64, (4, 2, 64)) if step.small else (73728, 1024, (8, 4, 256))
    query, key, value = tensors(torch, step, tokens, heads, torch.bfloat16)
    rows = chosen_rows(tokens)
    exact = exact_rows(torch, query, key, value, rows, window)
    places = torch.arange(tokens, device=query.device)
    mask = torch.empty((1, 1, tokens, tokens), dtype=torch.bool, device=query.device)
    for begin in range(0, tokens, 8192):
        part = places[begin : begin + 8192, None]
        mask[0, 0, begin : begin + 8192] = (places <= part) & (places > part - window)
    group = heads[0] // heads[1]
    key, value = (x.repeat_interleave(group, 1).contiguous() for x in (key, value))
    for name, backends in (("memory-efficient", [SDPBackend.EFFICIENT_ATTENTION]),
                           ("as torch chooses", None)):
        def call(backends=backends):
            run = torch.nn.functional.scaled_dot_product_attention
            if backends is None:
                return run(query, key, value, attn_mask=mask)
            with sdpa_kernel(backends):
                return run(query, key, value, attn_mask=mask)
        found = step.attempt(name, call)
        if found is not None:
            result = wrong_rows(torch, found, exact, rows, torch.bfloat16)
            step.note(**{name: result, f"{name}: the error shows": bool(result["wrong_rows"])})
        # On the cpu torch has no such kernel.
        if backends is None or step.device != "torch:cpu":
            step.require(f"{name}: measured", found is not None)
