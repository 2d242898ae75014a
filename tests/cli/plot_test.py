#!/usr/bin/env python3
"""`qkscope plot` as a user runs it: the three figures in three formats, options, errors.

usage: plot_test.py QKSCOPE"""

import bz2
import csv
import gzip
import json
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
import zipfile

import fixtures

PROGRAM = os.path.abspath(sys.argv.pop(1))
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "figures")
FIGURES = {"plasticity": ("bucket_csv", "buckets.csv", (2000, 1200)),
           "heatmap": ("bucket_csv", "buckets.csv", (1600, 1200)),
           "components": ("component_csv", "components.csv", (2000, 800))}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def texts(path):
    root = ElementTree.parse(path).getroot()
    return [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


class Plot(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        for name in os.listdir(DATA):
            if name.endswith(".csv"):
                shutil.copy(f"{DATA}/{name}", self.root)

    def tearDown(self):
        self.folder.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, "plot", *arguments], capture_output=True, text=True,
                              timeout=120, cwd=self.root)

    def plot(self, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def assert_says(self, sentence, *arguments):
        """The program exits with 1 and exactly this sentence, and leaves no figure."""
        before = sorted(os.listdir(self.root))
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr, f"qkscope: {sentence}\n")
        self.assertEqual(sorted(os.listdir(self.root)), before)

    def test_every_figure_in_every_format(self):
        for figure, (option, table, size) in FIGURES.items():
            for ending in ("png", "svg", "pdf"):
                with self.subTest(figure=figure, ending=ending):
                    first, second = f"{figure}.{ending}", f"again/deep/{figure}.{ending}"
                    for output in (first, second):
                        self.plot(figure, f"--{option}", table, "--output", output)
                    data = read(f"{self.root}/{first}")
                    self.assertEqual(data, read(f"{self.root}/{second}"))
                    if ending == "png":
                        self.assertEqual(data[:8], b"\x89PNG\r\n\x1a\n")
                        self.assertEqual(struct.unpack(">II", data[16:24]), size)
                        self.assertIn(b"pHYs" + struct.pack(">IIB", 7874, 7874, 1), data)
                    elif ending == "pdf":
                        self.assertTrue(data.startswith(b"%PDF-1."))
                        self.assertTrue(data.rstrip().endswith(b"%%EOF"))
                    else:
                        self.assertGreater(len(texts(f"{self.root}/{first}")), 5)

    def test_labels_of_plasticity(self):
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "p.svg",
                  "--model_name", "My <model>", "--bucket_min_size", "512")
        found = texts(f"{self.root}/p.svg")
        for text in ("Per-bucket attention plasticity — My <model>", "Position (tokens)",
                     "Attention plasticity", "Mean across heads", "One head (12 in all)", "4000"):
            self.assertIn(text, found)

    def test_labels_of_heatmap(self):
        self.plot("heatmap", "--bucket_csv", "buckets.csv", "--output", "h.svg",
                  "--bucket_min_size", "512", "--agg", "median")
        found = texts(f"{self.root}/h.svg")
        for text in ("Attention Plasticity by Bucket Pair", "Key pair position (tokens)",
                     "Query position (tokens)", "0", "512", "1024", "1536", "2560", "4096",
                     "Attention plasticity (median over heads)"):
            self.assertIn(text, found)

    def test_labels_of_components(self):
        self.plot("components", "--component_csv", "components.csv", "--output", "c.svg",
                  "--limit", "5", "--ylabel", "Share")
        found = texts(f"{self.root}/c.svg")
        for text in ("Average positional information by component", "Component index", "Share",
                     "0", "1", "2", "3", "4"):
            self.assertIn(text, found)
        self.assertNotIn("5", found)

    def test_older_columns(self):
        self.plot("plasticity", "--bucket_csv", "buckets_old.csv", "--output", "p.svg")
        self.assertIn("One head (5 in all)", texts(f"{self.root}/p.svg"))

    def test_log_buckets(self):
        for figure in ("plasticity", "heatmap"):
            self.plot(figure, "--bucket_csv", "buckets.csv", "--bucket_type", "log", "--output",
                      "l.svg")
            found = texts(f"{self.root}/l.svg")
            for text in ("8", "32", "256"):
                self.assertIn(text, found)

    def test_colors(self):
        self.plot("plasticity", "--bucket-csv", "buckets.csv", "--color-trend", "--output", "t.svg")
        svg = read(f"{self.root}/t.svg").decode()
        self.assertTrue("#2CA02C" in svg and "#D62728" in svg)
        self.plot("plasticity", "--bucket-csv", "buckets.csv", "--color_by_layer", "--output",
                  "y.svg")
        svg = read(f"{self.root}/y.svg").decode()
        self.assertIn("#440154", svg)  # viridis at 0 and 1
        self.assertIn("#FDE725", svg)
        self.assertIn("Layer", texts(f"{self.root}/y.svg"))

    def test_config_and_what_replaces_it(self):
        config = fixtures.write(f"{self.root}/plot.yaml", (
            "bucket_csv: buckets.csv\noutput: from_file.svg\ncolor_trend: true\n"
            "trend_threshold: 0.01\n"))
        self.plot("plasticity", "--config", config)
        self.assertIn("#2CA02C", read(f"{self.root}/from_file.svg").decode())
        self.plot("plasticity", "--config", config, "--no-color_trend", "--output", "plain.svg")
        self.assertNotIn("#2CA02C", read(f"{self.root}/plain.svg").decode())

    def test_default_output_is_beside_the_table(self):
        os.mkdir(f"{self.root}/results")
        shutil.copy(f"{DATA}/buckets.csv", f"{self.root}/results")
        said = self.plot("heatmap", "--bucket_csv", "results/buckets.csv")
        self.assertEqual(said, "Saved results/bucket_heatmap.png: plasticity of 5 query buckets by "
                               "5 key buckets\n")
        self.assertTrue(os.path.exists(f"{self.root}/results/bucket_heatmap.png"))

    def test_unknown_key_is_a_warning(self):
        fixtures.write(f"{self.root}/plot.yaml", "bucket_csv: buckets.csv\ncmapp: viridis\n")
        done = self.run_program("heatmap", "--config", "plot.yaml")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(done.stderr, "qkscope: warning: plot.yaml:2: cmapp: unknown key; did you "
                                      "mean cmap?\n")

    def test_a_failed_run_keeps_the_old_figure(self):
        self.plot("heatmap", "--bucket_csv", "buckets.csv", "--output", "h.png")
        before = read(f"{self.root}/h.png")
        fixtures.write(f"{self.root}/broken.csv", "q_bucket,k_bucket,ap_bucket\n1,0\n")
        self.assertEqual(self.run_program("heatmap", "--bucket_csv", "broken.csv", "--output",
                                          "h.png").returncode, 1)
        self.assertEqual(read(f"{self.root}/h.png"), before)

    def test_errors(self):
        self.assert_says("heatmp: unknown figure; did you mean heatmap?", "heatmp")
        self.assert_says("bucket_csv is required: the CSV file to draw, as --bucket_csv FILE or as "
                         "a key of the --config file", "heatmap")
        self.assert_says("none.csv: cannot be opened: No such file or directory", "heatmap",
                         "--bucket_csv", "none.csv")
        self.assert_says("none.yaml: cannot be opened: No such file or directory", "heatmap",
                         "--config", "none.yaml")
        self.assert_says("components.csv: has the columns of head_component_weights.csv; this figure "
                         "is drawn from head_bucket_plasticity.csv", "heatmap", "--bucket_csv",
                         "components.csv")
        self.assert_says("cmap: unknown colour map magmma; did you mean magma? (known: viridis, "
                         "magma, inferno, plasma, cividis, turbo, coolwarm, RdBu, Blues, Greens, "
                         "Reds, Greys, gray; each also with _r, reversed)", "heatmap",
                         "--bucket_csv", "buckets.csv", "--cmap", "magmma")
        self.assert_says("vmin: the colour scale would begin at 0.9 and end at 0.1", "heatmap",
                         "--bucket_csv", "buckets.csv", "--vmin", "0.9", "--vmax", "0.1")
        self.assert_says("x.gif: expected a file name that ends in .png, .svg or .pdf", "heatmap",
                         "--bucket_csv", "buckets.csv", "--output", "x.gif")
        self.assert_says("--color_trend true: expected one of color_by_layer and "
                         "color_trend, found both", "plasticity", "--bucket_csv", "buckets.csv",
                         "--color_trend", "--color_by_layer")

    def test_values_that_are_not_there(self):
        fixtures.write(f"{self.root}/empty.csv", "q_bucket,k_bucket,ap_bucket\n1,0,\n2,0,nan\n")
        self.assert_says("empty.csv: column ap_bucket has no value: there is nothing to draw",
                         "heatmap", "--bucket_csv", "empty.csv")
        fixtures.write(f"{self.root}/diagonal.csv", "q_bucket,k_bucket,ap_bucket\n1,1,0.5\n")
        self.assert_says("there is nothing to draw: no pair of buckets has a key bucket before its "
                         "query bucket", "heatmap", "--bucket_csv", "diagonal.csv")

    def test_packed_tables(self):
        table = read(f"{self.root}/buckets.csv")
        self.plot("heatmap", "--bucket_csv", "buckets.csv", "--output", "plain.svg")
        packed = {"b.csv.gz": gzip.compress(table), "b.bz2": bz2.compress(table),
                  "b.csv.XZ": lzma.compress(table), "named.csv": gzip.compress(table)}
        for name, data in packed.items():
            fixtures.write(f"{self.root}/{name}", data)
        with zipfile.ZipFile(f"{self.root}/b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("folder/", b"")
            archive.writestr("folder/b.csv", table)
            archive.writestr("__MACOSX/folder/._b.csv", b"resource fork")
        for suffix in ("", ".gz", ".bz2", ".xz"):
            with tarfile.open(f"{self.root}/b.tar{suffix}", f"w:{suffix[1:]}") as archive:
                archive.add(f"{self.root}/buckets.csv", "b.csv")
        for name in (*packed, "b.zip", "b.tar", "b.tar.gz", "b.tar.bz2", "b.tar.xz"):
            with self.subTest(name):
                self.plot("heatmap", "--bucket_csv", name, "--output", "packed.svg")
                self.assertEqual(read(f"{self.root}/packed.svg"), read(f"{self.root}/plain.svg"))
        with zipfile.ZipFile(f"{self.root}/b.zip", "a") as archive:
            archive.writestr("c.csv", table)
        self.assert_says("b.zip: cannot be unpacked: expected an archive of one file, found 2 in it",
                         "heatmap", "--bucket_csv", "b.zip")

    def test_axes_without_positions(self):
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "p.svg")
        self.assertIn("Query bucket", texts(f"{self.root}/p.svg"))
        self.plot("heatmap", "--bucket_csv", "buckets.csv", "--output", "h.svg")
        found = texts(f"{self.root}/h.svg")
        self.assertIn("Query bucket", found)
        self.assertIn("Key pair bucket", found)
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "r.svg", "--compat",
                  "reference")
        self.assertIn("Position (tokens)", texts(f"{self.root}/r.svg"))

    def test_the_record_gives_the_positions(self):
        record = {"program": "qkscope", "tables": {"buckets": "buckets.csv"},
                  "buckets": {"type": "uniform", "width": 512}}
        fixtures.write(f"{self.root}/m.csv.json", json.dumps(record))
        fixtures.write(f"{self.root}/m.csv", "")
        fixtures.write(f"{self.root}/other.json", "[1, {")
        fixtures.write(f"{self.root}/other", "")
        stray = {**record, "buckets": {"type": "log"}}  # of no table that is there
        fixtures.write(f"{self.root}/stray.csv.json", json.dumps(stray))
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "a.svg")
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "b.svg",
                  "--bucket_min_size", "512")
        self.assertEqual(read(f"{self.root}/a.svg"), read(f"{self.root}/b.svg"))
        for option, found in (("bucket_type", "log"), ("bucket_min_size", "64")):
            self.assert_says(f"--{option} {found}: expected what the analysis says of its buckets, "
                             f"uniform, 512 tokens wide, found {found}", "plasticity",
                             "--bucket_csv", "buckets.csv", f"--{option}", found)
        record["buckets"]["width"] = 64
        fixtures.write(f"{self.root}/n.csv", "")
        fixtures.write(f"{self.root}/n.csv.json", json.dumps(record))
        done = self.run_program("plasticity", "--bucket_csv", "buckets.csv", "--output", "d.svg")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stderr.startswith("qkscope: warning: records of analyses beside the "
                                               "table contradict each other"), done.stderr)
        self.assertIn("Query bucket", texts(f"{self.root}/d.svg"))
        self.plot("plasticity", "--bucket_csv", "buckets.csv", "--output", "e.svg",
                  "--bucket_min_size", "512")
        self.assertEqual(read(f"{self.root}/e.svg"), read(f"{self.root}/b.svg"))

    def analysis(self, *arguments):
        """A folder with the tables of an analysis of 6 heads, and their paths by name."""
        maker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                             "make_analysis_tables.py")
        subprocess.run([sys.executable, maker, f"{self.root}/a", "--layers", "3", "--heads", "2",
                        *arguments], check=True)
        return {"bucket": "a/head_bucket_plasticity.csv", "detail": "a/head_bucket_details.csv",
                "component": "a/head_component_weights.csv", "rope": "a/head_rope_pairs.csv"}

    def test_tables_that_their_record_counts_otherwise(self):
        paths = self.analysis()
        rows = {}
        for key, path in paths.items():
            rows[key] = read(f"{self.root}/{path}").count(b"\n") - 1
        rows["curves"] = read(f"{self.root}/a/mean_curves.csv").count(b"\n") - 1
        record_path = f"{self.root}/a/head_metrics.csv.json"
        record = json.loads(read(record_path))
        names = {"bucket": "buckets", "detail": "details", "component": "components", "rope": "rope_pairs"}
        record["rows"] = {names.get(key, key): count for key, count in rows.items()}
        record["tables"].update({names[key]: os.path.basename(path) for key, path in paths.items()})
        fixtures.write(record_path, json.dumps(record))
        for figure, key in (("plasticity", "bucket"), ("distance", "detail"), ("heatmap", "bucket"),
                            ("components", "component"), ("wavelengths", "rope")):
            with self.subTest(figure=figure):
                path = paths[key]
                whole = read(f"{self.root}/{path}").decode()
                arguments = (figure, f"--{key}_csv", path, "--output", "f.svg")
                self.plot(*arguments)
                os.remove(f"{self.root}/f.svg")
                fixtures.write(f"{self.root}/{path}", whole[:-3])
                self.assert_says(f"{path}: its last row has no line end, so it may have been cut off", *arguments)
                fixtures.write(f"{self.root}/{path}", whole[:whole[:-1].rindex("\n") + 1])
                self.assert_says(f"{path}: expected {rows[key]} rows, which its record counts, found "
                                 f"{rows[key] - 1}", *arguments)
                fixtures.write(f"{self.root}/{path}", whole)
        curves = read(f"{self.root}/a/mean_curves.csv").decode()
        fixtures.write(f"{self.root}/a/mean_curves.csv", curves + curves.splitlines()[-1] + "\n")
        self.assert_says(f"a/mean_curves.csv: expected {rows['curves']} rows, which its record counts, found "
                         f"{rows['curves'] + 1}", "plasticity", "--bucket_csv", paths["bucket"])
        fixtures.write(record_path, "{")
        self.assert_says("a/head_metrics.csv.json: expected the record of the analysis of head_metrics.csv, found "
                         "something else", "plasticity", "--bucket_csv", paths["bucket"])

    def test_curves_of_other_heads(self):
        """Where the record does not count rows, or there is none."""
        paths = self.analysis()
        self.plot("plasticity", "--bucket_csv", paths["bucket"], "--output", "p.svg")
        self.plot("distance", "--detail_csv", paths["detail"], "--output", "d.svg")
        lines = read(f"{self.root}/a/mean_curves.csv").decode().splitlines(keepends=True)
        header = lines[0].strip().split(",")
        heads = header.index("num_heads")
        for curve, option, unit in (("position", "bucket", "query bucket"), ("distance", "detail", "distance")):
            figure = "plasticity" if curve == "position" else "distance"
            at = next(i for i, line in enumerate(lines) if line.startswith(f"{curve},all,bucket,,"))
            cells = lines[at].split(",")
            number = cells[header.index("bucket")]
            bad = [*cells[:heads], "9", *cells[heads + 1:]]
            fixtures.write(f"{self.root}/a/mean_curves.csv", "".join([*lines[:at], ",".join(bad), *lines[at + 1:]]))
            self.assert_says(f"a/mean_curves.csv: belongs to another analysis than the heads: {unit} {number}: "
                             f"expected {cells[heads]} heads, found 9", figure, f"--{option}_csv", paths[option])
            count = sum(line.startswith(f"{curve},all,bucket,,") for line in lines)
            fixtures.write(f"{self.root}/a/mean_curves.csv", "".join(lines[:at] + lines[at + 1:]))
            plural = "query buckets" if curve == "position" else "distances"
            self.assert_says(f"a/mean_curves.csv: belongs to another analysis than the heads: expected a mean over "
                             f"{count} {plural}, found {count - 1}", figure, f"--{option}_csv", paths[option])

    def test_bands_and_documents(self):
        bucket = self.analysis()["bucket"]
        self.plot("plasticity", "--bucket_csv", bucket, "--output", "p.svg")
        found = texts(f"{self.root}/p.svg")
        for text in ("Mean across heads, 95% interval", "Fewer than 5 documents", "Documents", "48",
                     "Documents that reach 2,048 tokens (17)", "Method bucket."):
            self.assertIn(text, found)
        self.assertIn("<polygon", read(f"{self.root}/p.svg").decode())
        self.assertIn("stroke-dasharray", read(f"{self.root}/p.svg").decode())
        self.plot("plasticity", "--bucket_csv", bucket, "--output", "n.svg", "--reach", "none",
                  "--min_documents", "0")
        found = texts(f"{self.root}/n.svg")
        self.assertFalse([text for text in found if "reach" in text or "Fewer" in text])
        self.plot("plasticity", "--bucket_csv", bucket, "--output", "m.svg", "--methods", "all")
        found = texts(f"{self.root}/m.svg")
        for method in ("bucket", "linear", "counted"):
            self.assertIn(f"Mean across heads, {method}, 95% interval", found)

    def test_compat_reference_knows_no_new_table(self):
        bucket = self.analysis()["bucket"]
        os.mkdir(f"{self.root}/alone")
        shutil.copy(f"{self.root}/{bucket}", f"{self.root}/alone")
        for figure in ("plasticity", "heatmap"):
            for name, path in (("1.svg", bucket), ("2.svg", "alone/head_bucket_plasticity.csv")):
                self.plot(figure, "--bucket_csv", path, "--compat", "reference", "--output", name)
            self.assertEqual(read(f"{self.root}/1.svg"), read(f"{self.root}/2.svg"))
        self.assert_says("--max_distance 9: expected none with compat: reference, which draws the "
                         "original's tables only", "plasticity", "--bucket_csv", bucket, "--compat",
                         "reference", "--max_distance", "9")

    def test_trends_by_intervals(self):
        bucket = self.analysis()["bucket"]
        with open(f"{self.root}/a/head_trends.csv", encoding="ascii") as file:
            rows = [row for row in csv.DictReader(file) if row["method"] == "counted"]
        for trend in ("position", "distance", "curve"):
            ends = [(float(row["ci_low"]), float(row["ci_high"])) for row in rows
                    if row["trend"] == trend and row["ci_low"]]
            rising = sum(low > 0 for low, _ in ends)
            falling = sum(high < 0 for _, high in ends)
            said = self.plot("plasticity", "--bucket_csv", bucket, "--color_trend", "--trend", trend,
                             "--method", "counted", "--output", "t.svg")
            self.assertIn(f": {rising} rising, {falling} falling, {6 - rising - falling} flat "
                          "(interval of the slope over ", said)
        said = self.plot("plasticity", "--bucket_csv", bucket, "--color_trend", "--trend_threshold",
                         "1e9", "--output", "t.svg")
        self.assertTrue(said.endswith(": 0 rising, 0 falling, 6 flat\n"), said)
        self.assert_says("--trend curve: needs head_trends.csv, which the record beside the table "
                         "does not name, nor trend_csv", "plasticity", "--bucket_csv", "buckets.csv",
                         "--trend", "curve")

    def test_distance(self):
        detail = self.analysis()["detail"]
        said = self.plot("distance", "--detail_csv", detail, "--output", "d.svg")
        self.assertEqual(said, "Saved d.svg: plasticity of 6 heads over 15 distances\n")
        found = texts(f"{self.root}/d.svg")
        for text in ("Distance from query to key (tokens)", "Mean across heads, 95% interval"):
            self.assertIn(text, found)
        self.plot("distance", "--detail_csv", detail, "--output", "d.svg", "--position_from", "2048",
                  "--max_distance", "1024", "--window", "none")
        found = texts(f"{self.root}/d.svg")
        self.assertIn("Mean across heads", found)
        self.assertIn("One head (2 in all)", found)
        self.assert_says("a/head_bucket_plasticity.csv: has the columns of "
                         "head_bucket_plasticity.csv; this figure is drawn from "
                         "head_bucket_details.csv", "distance", "--detail_csv",
                         "a/head_bucket_plasticity.csv")
        self.assert_says("there is nothing to draw: no pair of buckets lies within max_distance, "
                         "position_from and position_to", "distance", "--detail_csv", detail,
                         "--max_distance", "3")

    def test_heads_of_a_figure(self):
        paths = self.analysis()
        said = self.plot("plasticity", "--bucket_csv", paths["bucket"], "--layers", "0,2-9",
                         "--heads", "1", "--output", "f.svg")
        self.assertIn("plasticity of 2 heads", said)
        # Layer 0 has weights of 1/8; of the others, they rise.
        self.plot("components", "--component_csv", paths["component"], "--layers", "0",
                  "--output", "c.svg")
        self.assertIn("Only heads of layer 0.", texts(f"{self.root}/c.svg"))
        self.plot("heatmap", "--bucket_csv", paths["bucket"], "--window", "512", "--output", "h.svg")
        found = texts(f"{self.root}/h.svg")
        self.assertIn("Method bucket. Only heads with a sliding window of 512 tokens. Hatched: "
                      "pairs of fewer than 5 documents.", found)
        self.plot("heatmap", "--bucket_csv", paths["bucket"], "--output", "a.svg")
        self.assertIn("heads, since some do not reach all keys; the option window separates them.",
                      " ".join(texts(f"{self.root}/a.svg")))
        self.assert_says("methods: needs head_bucket_details.csv, which the record beside the table does "
                         "not name, nor detail_csv", "plasticity", "--bucket_csv", "buckets.csv",
                         "--methods", "all")
        self.assert_says("there is nothing to draw: the table has no heads with a sliding window "
                         "of 64 tokens (the windows of the analysis's heads: none, 512)",
                         "heatmap", "--bucket_csv", paths["bucket"], "--window", "64")
        self.assert_says("there is nothing to draw: the table has no heads of layer 7", "components",
                         "--component_csv", paths["component"], "--layers", "7")
        self.assert_says("--layers 5-2: expected numbers and ranges such as 0-5,7, found text "
                         '"5-2"', "heatmap", "--bucket_csv", paths["bucket"], "--layers", "5-2")
        self.assert_says("--window 512: the windows of the heads are not known: they are in "
                         "head_diagnostics.csv, which the record beside the table does not name, nor "
                         "diagnostic_csv", "heatmap", "--bucket_csv", "buckets.csv", "--window",
                         "512")

    def test_methods_of_the_analysis(self):
        paths = self.analysis()
        for method, output in (("bucket", "1.svg"), ("linear", "2.svg")):
            self.plot("heatmap", "--bucket_csv", paths["bucket"], "--method", method, "--output",
                      output)
        self.assertNotEqual(read(f"{self.root}/1.svg"), read(f"{self.root}/2.svg"))
        # The table of details in place of the other one is drawn by its first method.
        self.plot("heatmap", "--bucket_csv", paths["detail"], "--output", "3.svg")
        self.assertEqual(read(f"{self.root}/1.svg"), read(f"{self.root}/3.svg"))
        self.assert_says("method: expected bucket, linear or counted, which the analysis holds, found "
                         "online", "heatmap", "--bucket_csv", paths["bucket"], "--method", "online")
        self.assert_says("a/head_metrics.csv: has the columns of head_metrics.csv; this figure is "
                         "drawn from head_bucket_plasticity.csv", "heatmap", "--bucket_csv",
                         "a/head_metrics.csv")

    def test_buckets_that_contradict_the_tables(self):
        paths = self.analysis("--log", "--buckets", "12")
        os.remove(f"{self.root}/a/head_metrics.csv.json")  # the bounds in the table say it, too
        self.plot("heatmap", "--bucket_csv", paths["detail"], "--output", "h.svg")
        self.assertIn("1024", texts(f"{self.root}/h.svg"))
        self.assert_says("--bucket_type uniform: expected what the analysis says of its buckets, log, "
                         "found uniform", "heatmap", "--bucket_csv", paths["detail"],
                         "--bucket_type", "uniform")

    def test_wavelengths(self):
        rope = self.analysis()["rope"]
        said = self.plot("wavelengths", "--rope_csv", rope, "--value", "bucket_R2", "--output",
                         "w.svg")
        self.assertIn("bucket_R2 of 2 RoPE sets over 32 wavelengths", said)
        found = texts(f"{self.root}/w.svg")
        for text in ("Wavelength (tokens)", "10,000", "R² of the bucket means",
                     "Median and quartiles, RoPE set 0 (2 heads)",
                     "Floor without position, RoPE set 1"):
            self.assertIn(text, found)

    def test_new_figures_in_every_format(self):
        paths = self.analysis()
        for ending in ("png", "svg", "pdf"):
            for figure, option, key in (("plasticity", "bucket_csv", "bucket"),
                                        ("distance", "detail_csv", "detail"),
                                        ("heatmap", "bucket_csv", "bucket"),
                                        ("wavelengths", "rope_csv", "rope")):
                with self.subTest(figure=figure, ending=ending):
                    for name in ("1", "2"):
                        self.plot(figure, f"--{option}", paths[key], "--output", f"{name}.{ending}")
                    self.assertEqual(read(f"{self.root}/1.{ending}"),
                                     read(f"{self.root}/2.{ending}"))

    def test_few_buckets_have_whole_numbers(self):
        head = "layer,q_head,k_head,q_bucket,k_bucket,ap_bucket\n"
        fixtures.write(f"{self.root}/f.csv", head + "".join(f"0,0,0,{b},-9,{200 + b}\n"
                                                            for b in range(-1, 3)))
        self.plot("plasticity", "--bucket_csv", "f.csv", "--output", "f.svg")
        found = texts(f"{self.root}/f.svg")
        self.assertTrue({"-1", "0", "1", "2"} <= set(found), found)
        self.assertTrue({"0.5", "-0.5", "-0", "0.0", "1.5"}.isdisjoint(found), found)

    def test_negative_weights_are_seen(self):
        fixtures.write(f"{self.root}/n.csv", "component,component_weight\n0,0.5\n1,-0.25\n")
        self.plot("components", "--component_csv", "n.csv", "--output", "n.svg")
        self.assertIn("-0.2", texts(f"{self.root}/n.svg"))

    def test_trends_are_counted_in_the_text(self):
        said = self.plot("plasticity", "--bucket_csv", "buckets.csv", "--color_trend",
                         "--trend_threshold", "1e9", "--output", "t.svg")
        self.assertTrue(said.endswith(": 0 rising, 0 falling, 12 flat\n"), said)

    def test_any_title_makes_a_well_formed_figure(self):
        for title in ("a\ufffeb\uffff", "]]> <&> \"'", "\x01\x1b[0m\x7f\x85", b"\xff\xed\xa0\x80 x",
                      "$x^2$ <&>", "$\\foo$", "\u202eabc", "\U0010ffff"):
            with self.subTest(title):
                for ending in ("svg", "png", "pdf"):
                    done = subprocess.run([PROGRAM, "plot", "heatmap", "--bucket_csv", "buckets.csv",
                                           "--title", title, "--output", f"t.{ending}"],
                                          capture_output=True, timeout=120, cwd=self.root)
                    self.assertEqual(done.returncode, 0, done.stderr)
                ElementTree.parse(f"{self.root}/t.svg")

    def test_an_unwritable_place(self):
        self.assert_says("buckets.csv/x: cannot be created: Not a directory", "heatmap",
                         "--bucket_csv", "buckets.csv", "--output", "buckets.csv/x/h.png")

    def test_help(self):
        for arguments in ([], ["plasticity"], ["distance"], ["heatmap"], ["components"],
                          ["wavelengths"]):
            done = self.run_program(*arguments, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Examples:" if not arguments else "--config", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
