#!/usr/bin/env python3
"""The notebooks of docs/notebooks/, executed in a fresh environment on what ./demo leaves in demo-out/. What is not
there is made first, as ./demo makes it. Skipped if pip cannot install what they need, or without the demo's model.

usage: notebooks_test.py QKSCOPE [NAME...]"""

import glob
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import environment

SOURCE = environment.SOURCE
NOTEBOOKS = SOURCE / "docs/notebooks"
EXECUTE = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=1800, kernel_name="python3").execute(cwd=sys.argv[2])
count = sum(bool(cell.get("outputs")) for cell in notebook.cells)
print(f"{sys.argv[1]}: {count} cells with outputs")
"""


def make_demo(run, place):
    """demo-out/ with the capture and the analysis of ./demo."""
    model = SOURCE / ".deps/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    if not model.exists():
        environment.skip("there is neither demo-out/dataset (./demo) nor .deps/smollm2 (tools/setup)")
    texts = [path for path in glob.glob("/usr/share/common-licenses/*") if not os.path.islink(path)]
    for text in texts:
        shutil.copy(text, place / f"corpus/{os.path.basename(text)}.txt")
    run("sniff", SOURCE / "configs/demo.yaml", "--set", f"model.name={model}", "--set",
        f"dataset.path={place}/corpus", "--set", f"output.data_root={place}/dataset", "--quiet")


def demo_out(run, place):
    """What the notebooks find as demo-out/: links to what ./demo has made, or the same made here."""
    (place / "corpus").mkdir(parents=True)
    made = SOURCE / "demo-out"
    if (made / "dataset/README.md").exists():
        (place / "dataset").symlink_to(made / "dataset")
    else:
        make_demo(run, place)
    if (made / "analysis/head_metrics.csv.json").exists():
        (place / "analysis").symlink_to(made / "analysis")
    else:
        run("analyze", place / "dataset", "--method", "bucket,counted", "--error_bars", "jackknife", "--output_dir",
            place / "analysis", "--quiet")


def refuse_empty(path):
    """A notebook is kept with its outputs, and without an error among them or a path of a machine."""
    notebook = json.loads(path.read_text())
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    if not outputs or any(output["output_type"] == "error" for output in outputs):
        raise AssertionError(f"{path}: expected a notebook with outputs and no error")
    if any(word in path.read_text() for word in ('"/home', '"/root', "/tmp/")):
        raise AssertionError(f"{path}: names a folder of a machine")


def main():
    program = os.path.abspath(sys.argv[1])
    chosen = [NOTEBOOKS / f"{name}.ipynb" for name in sys.argv[2:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    variables = environment.variables(QKSCOPE_PROGRAM=program, PYTHONPATH=str(SOURCE / "python"))

    def run(*words):
        subprocess.run([program, *map(str, words)], check=True, env=variables, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory(prefix="qkscope-notebooks-") as folder:
        folder = pathlib.Path(folder)
        python = environment.make(folder / "venv", "-r", environment.HERE / "requirements-notebooks.txt")
        demo_out(run, folder / "demo-out")
        place = folder / "docs/notebooks"
        place.mkdir(parents=True)
        variables.update(PATH=f"{python.parent}:{os.environ['PATH']}", IPYTHONDIR=f"{folder}/ipython",
                         MPLCONFIGDIR=f"{folder}/matplotlib", JUPYTER_PATH=f"{folder}/venv/share/jupyter")
        for notebook in chosen:
            refuse_empty(notebook)
            subprocess.run([python, "-c", EXECUTE, notebook, place], check=True, env=variables)


if __name__ == "__main__":
    sys.exit(main())
