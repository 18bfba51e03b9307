"""A run's results as a page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bars import BARS, at
from benchmarks.load_section import section_of, with_section
from benchmarks.plan import METHODS
from composer.config import ROOT

PAGES = {"cpu": ROOT / "docs" / "benchmarks.md", "cuda": ROOT / "docs" / "benchmarks-gpu.md"}
TEXT = Path(__file__).parent / "text"
"""What each measurement compares, and what it does not: one file per name."""

Results = Mapping[str, Any]


def write(results: Results, device: str) -> Path:
    """Writes the page of the device anew; the section about many visitors, which another command writes, stays."""
    path = PAGES[device]
    visitors = section_of(path.read_text(encoding="utf-8")) if path.exists() else ""
    path.parent.mkdir(exist_ok=True)
    path.write_text(with_section(page(results), visitors) if visitors else page(results), encoding="utf-8")
    return path


def page(results: Results) -> str:
    device = "gpu_" if results["machine"]["device"] == "cuda" else ""
    sections = [_text(f"{device}head"), _machine(results["machine"]), _bars(results)]
    for name, table in TABLES.items():
        if name in results:
            sections.append(_text(name))
            sections.append(table(results[name]))
    sections.append(_text(f"{device}tail"))
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _text(name: str) -> str:
    return (TEXT / f"{name}.md").read_text(encoding="utf-8")


def _machine(machine: Results) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return (
        f"Measured {machine['date']} at commit `{machine['commit'] or 'unknown'}` on {machine['processor']}, "
        f"{machine['cores']} cores{gpu}, {machine['torch_threads']} torch threads on both sides, load "
        f"{machine['load_before']} before the run; {machine['system']}; {versions}."
    )


def _bars(results: Results) -> str:
    rows = []
    for bar in BARS:
        met = bar.met(results)
        if met is not None:
            sign = "at least" if bar.at_least else "at most"
            rows.append(
                [f"`{bar.path}`", _number(at(results, bar.path)), f"{sign} {bar.bound:g}", "yes" if met else "**no**"]
            )
    return "## Aims\n\n" + _table(["figure", "measured", "aim", "reached"], rows)


def _merge(result: Results) -> str:
    rows = [
        [
            f"`{name}`" if name in METHODS else "**four together**",
            _span(one["ours_ms"], one["ours_spread_ms"]),
            _number(one["first_ms"]),
            _span(one["peft_ms"], one["peft_spread_ms"]),
            f"{_span(one['ratio'], one['ratio_spread'])}",
            _number(one["first_ratio"]),
        ]
        for name in (*METHODS, "all")
        for one in [result[name]]
    ]
    head = ["method", "ours, ms", "ours, nothing trimmed yet, ms", "PEFT, ms", "PEFT / ours", "nothing trimmed yet"]
    return (
        f"{_table(head, rows)}\n\n{result['all']['rounds']} rounds. Largest difference between any two entries of the "
        f"factors: {result['largest_difference']:.1e}."
    ) + (f"\n\n{_decomposed(result['decomposed'])}" if "decomposed" in result else "")


def _decomposed(result: Results) -> str:
    rows = [
        [f"`{name}`", _span(one["ours_ms"], one["ours_spread_ms"]), _number(one["ratio"])]
        for name, one in result.items()
    ]
    return (
        "The methods that decompose the factors in float64 (`svd`, and those in Core Space), beside `cat`, which copies"
        f" them:\n\n{_table(['method', 'ours, ms', 'times cat'], rows)}\n\n{result['cat']['rounds']} rounds."
    )


def _merge_7b_shape(result: Results) -> str:
    memory = result["memory"]
    if "peak_extra_mb" not in memory:
        return f"{_merge(result)}\n\nThe four merges take {memory['merged_mb']} MB; the peak can be told on Linux only."
    return (
        f"{_merge(result)}\n\nThe four merges, held together, take {memory['merged_mb']} MB. While they are made the "
        f"process grows by {memory['peak_extra_mb']} MB at its peak, trimmed adapters and the merges included: "
        f"{memory['peak_to_merged']} times the merges."
    )


def _compare(result: Results) -> str:
    bare, parts = result["bare"], result["parts"]
    alone = [
        ["a bare forward of the same rows", _span(bare["bare_ms"], bare["bare_spread_ms"]), ""],
        ["ours, four merges", _span(parts["merge"]["ms"], parts["merge"]["spread_ms"]), ""],
        [
            "ours, the pass that scores",
            _span(parts["score"]["ms"], parts["score"]["spread_ms"]),
            _span(bare["pass_ratio"], bare["pass_ratio_spread"]),
        ],
        [
            "**ours, merges and scores**",
            _span(result["ours_ms"], result["ours_spread_ms"]),
            _span(bare["ratio"], bare["ratio_spread"]),
        ],
        ["ours, what went into each merge", _span(parts["explain"]["ms"], parts["explain"]["spread_ms"]), ""],
    ]
    beside = [
        [
            name,
            _span(one["ours_ms"], one["ours_spread_ms"]),
            _span(one["peft_ms"], one["peft_spread_ms"]),
            _span(one["ratio"], one["ratio_spread"]),
        ]
        for name, one in (("PEFT, a forward per option", result["peft"]), ("PEFT, options batched", result["batched"]))
    ]
    exact = (
        f" (with both sides in fp32: {result['largest_difference_fp32']:.1e})"
        if "largest_difference_fp32" in result
        else ""
    )
    return (
        f"{_table(['beside the bare forward', 'ms', 'ratio to it'], alone)}\n\n"
        f"{_table(['beside PEFT', 'ours, ms', 'PEFT, ms', 'PEFT / ours'], beside)}\n\n"
        f"{result['rounds']} and {result['peft']['rounds']} rounds; {result['questions']} questions, "
        f"{result['tokens_per_row']:.0f} tokens a row, {result['adapters_per_question']:.1f} adapters a question on "
        f"average; 95th percentile of ours {_number(result['p95_ms'])} ms. Largest difference between two "
        f"log-probabilities per token: {result['largest_difference']:.1e}{exact}; the same option chosen in "
        f"{result['same_choice']}, on {result['checked']} of the questions."
    )


def _neighbours(result: Results) -> str:
    return (
        f"Median **{_number(result['p50_ms'])} ms**, 95th percentile {_number(result['p95_ms'])} ms, over "
        f"{result['questions']} questions to an index of {result['rows']:,} rows."
    )


def _start(result: Results) -> str:
    return (
        f"With an empty cache **{result['first_s']} s**, later **{result['later_s']} s** (median of "
        f"{result['rounds']}); at most {result['peak_rss_mb']:,.0f} MB of memory."
    )


def _training(result: Results) -> str:
    head, row = ["ours, tokens a second"], [_number(result["tokens_per_s"])]
    told = (
        f"{result['rows']} examples of {result['task']} with {result['tokens_per_row']} tokens in the mean, rank "
        f"{result['rank']}, {result['steps']} steps; the loss goes from {result['first_loss']} to "
        f"{result['last_loss']}."
    )
    if "ratio" in result:
        head += ["plain loop, tokens a second", "ours / plain loop"]
        row += [_number(result["plain_tokens_per_s"]), _number(result["ratio"])]
        told += f" Largest difference of a step's two losses: {100 * result['largest_loss_difference']:.2g} %."
    return f"{_table(head, [row])}\n\n{told}"


def _bank_scaling(result: Results) -> str:
    banks = {size: bank for size, bank in result.items() if isinstance(bank, Mapping)}
    keys = ("start_s", "p50_ms", "first_p50_ms", "peak_rss_mb", "adapters_per_question", "adapters_read")
    rows = [[f"{int(size):,}", *(_number(bank[key]) for key in keys)] for size, bank in banks.items()]
    head = [
        "adapters",
        "start, s",
        "p50, ms",
        "first question, p50, ms",
        "peak memory, MB",
        "adapters a question",
        "adapters read",
    ]
    return (
        f"{_table(head, rows)}\n\nLargest against smallest: start {result['start_ratio']}, p50 {result['p50_ratio']}, "
        f"first question {result['first_ratio']}, memory {result['peak_rss_plus_mb']:+} MB."
    )


def _index_scaling(result: Results) -> str:
    keys = ("build_s", "rows_per_s", "open_s", "p50_ms", "recall_at_100", "megabytes")
    rows = [[f"{int(size):,}", *(_number(one[key]) for key in keys)] for size, one in result.items()]
    return _table(
        ["vectors", "build, s", "vectors a second", "open, s", "search p50, ms", "recall@100", "MB on disk"], rows
    )


def _memory(result: Results) -> str:
    return f"Peak: **{result['peak_rss_mb']:,.0f} MB** after {result['questions']} questions."


def _gpu(result: Results) -> str:
    parts = [f"On {result['device']}."]
    if "memory_gb" in result:
        parts[0] += f" GPU memory of the engine at its peak: {result['memory_gb']} GB."
    if "parity" in result:
        parity = result["parity"]
        parts[0] += (
            " Forward of one adapter against PEFT's: largest difference of log-probabilities per token "
            f"{parity['largest_difference']:.1e}, the same option chosen in {parity['same_choice']}."
        )
    if "limits" in result:
        parts.append(_limits(result))
    parts += [table(result[name]) for name, table in GPU_PARTS.items() if name in result]
    return "\n\n".join(parts)


def _limits(result: Results) -> str:
    limits, rows = result["limits"], []
    if "compare" in result:
        bare, score = result["compare"]["bare"]["bare_ms"], result["compare"]["parts"]["score"]["ms"]
        rows += [_to_limit("a bare forward", limits["pass_gb"], bare, limits["pass_ms"])]
        rows += [_to_limit("ours, the pass that scores", limits["pass_gb"], score, limits["pass_ms"])]
    if "merge" in result:
        merges = result["merge"]["all"]["ours_ms"]
        rows += [_to_limit("ours, four merges", limits["merge_gb"], merges, limits["merge_ms"])]
    return (
        f"This device copies {limits['gigabytes_per_s']:,.0f} GB a second (read and written).\n\n"
        f"{_table(['what has to move', 'GB', 'ms at that speed', 'ms taken', 'taken / least'], rows)}"
    )


def _to_limit(name: str, gigabytes: float, taken: float, least: float) -> list[str]:
    return [name, _number(gigabytes), _number(least), _number(taken), _number(taken / least)]


GPU_PARTS = {"merge": _merge, "compare": _compare, "training": _training}


TABLES = {
    "merge": _merge,
    "merge_7b_shape": _merge_7b_shape,
    "compare": _compare,
    "neighbours": _neighbours,
    "start": _start,
    "training": _training,
    "bank_scaling": _bank_scaling,
    "index_scaling": _index_scaling,
    "memory": _memory,
    "gpu": _gpu,
}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _span(value: float, spread: Sequence[float]) -> str:
    return f"{_number(value)} ({_number(spread[0])}-{_number(spread[1])})"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return (
        f"{value:,.0f}"
        if abs(value) >= 1_000
        else f"{value:.3g}"
        if abs(value) < 0.9 or abs(value) >= 100
        else f"{value:.2f}"
    )
