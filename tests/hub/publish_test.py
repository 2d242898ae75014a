#!/usr/bin/env python3
"""Datasets published to the test Hub by the program itself: `publish`, and the end of `sniff`.

usage: publish_test.py QKSCOPE"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "cli")]

import fixtures  # noqa: E402

try:
    import pyarrow.parquet as pq
except ImportError:
    pq = None
from hub_store import Account  # noqa: E402
from test_hub import TOKEN, TestHub  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
REPO = "org/qk"
CREATE = r"POST /api/repos/create"
COMMIT = r"POST /api/datasets/[^/]+/[^/]+/commit/"
BATCH = r"POST .*info/lfs/objects/batch"
PUT = r"PUT /"
BRANCH = r"(POST|DELETE) /api/datasets/[^/]+/[^/]+/branch/"
WRITES = f"{CREATE}|{COMMIT}|{BATCH}|{PUT}|{BRANCH}"


def dataset_files(folder):
    """What belongs on the branch: the dataset, without what is hidden."""
    return {name: data for name, data in fixtures.files_of(folder).items()
            if not name.startswith(".")}


def rewrite_without_footers(path):
    table = pq.read_table(path).replace_schema_metadata(None)
    pq.write_table(table, path, store_schema=False)


class HubCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = cls.folder.name
        cls.config = fixtures.make_all(cls.root)
        cls.dataset = f"{cls.root}/dataset"
        cls.call("sniff", *fixtures.sniff_arguments(cls.config, cls.dataset))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def call(cls, *arguments, env=None):
        return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True,
                              env=env, timeout=120)

    def setUp(self):
        self.hub = TestHub()
        self.hub.__enter__()
        self.hub_is_strict = True
        self.data = f"{self.root}/{self.id().split('.')[-1]}"
        shutil.copytree(self.dataset, self.data)

    def tearDown(self):
        violations = list(self.hub.violations)
        self.hub.__exit__(None, None, None)
        self.assertEqual(violations, [])

    def run_program(self, *arguments, code=0, env=None):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300,
                              env=env or self.hub.env())
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done

    def publish(self, *flags, code=0, folder=None, repo=REPO, branch="b", env=None):
        target = [*(["--repo", repo] if repo else []), *(["--branch", branch] if branch else [])]
        return self.run_program("publish", folder or self.data, *target, *flags, code=code, env=env)

    def on_branch(self, branch="b", repo=REPO):
        files = self.hub.files("dataset", repo, branch)
        files.pop(".gitattributes", None)
        return files

    def assert_published(self, branch="b", repo=REPO, folder=None):
        wanted, found = dataset_files(folder or self.data), self.on_branch(branch, repo)
        self.assertEqual(sorted(found), sorted(wanted))
        for name, data in wanted.items():
            self.assertTrue(found[name] == data, name)


class Publish(HubCase):
    def test_new_repository(self):
        done = self.publish()
        self.assert_published()
        self.assertIn(self.hub.head("dataset", REPO, "b"), done.stdout)
        self.assertFalse(self.hub.repos[("dataset", REPO)].private)
        self.assertEqual(sorted(self.hub.repos[("dataset", REPO)].branches), ["b", "main"])
        main = self.on_branch("main")
        self.assertEqual(list(main), ["README.md"])
        self.assertIn(b"viewer: false", main["README.md"])
        self.assertNotIn(b"configs:", main["README.md"])
        commits = self.hub.history("dataset", REPO, "b")
        self.assertRegex(commits[0].summary, r"^Add model q/k vectors \(\d+ heads\)$")
        self.assertEqual(commits[0].parent, self.hub.head("dataset", REPO, "main"))
        record = json.loads(pathlib.Path(self.data, ".qkscope/published.json").read_text())
        self.assertEqual([(e["repo"], e["branch"], e["commit"]) for e in record["published"]],
                         [(REPO, "b", commits[0].oid)])
        for command in ("check", "inspect"):
            self.run_program(command, self.data)

    def test_second_time_sends_nothing(self):
        self.publish()
        first = self.hub.head("dataset", REPO, "b")
        sent = self.hub.count(WRITES)
        done = self.publish()
        self.assertIn("Published already", done.stdout)
        self.assertEqual(self.hub.count(WRITES), sent)
        self.assertEqual(self.hub.head("dataset", REPO, "b"), first)

    def test_dry_run_changes_nothing(self):
        done = self.publish("--dry-run")
        self.assertEqual(self.hub.count(WRITES), 0)
        self.assertIn("which will be created", done.stdout)
        self.assertFalse(os.path.exists(f"{self.data}/.qkscope"))

    def test_equal_files_go_once_and_other_branches_cost_nothing(self):
        self.publish()
        puts = self.hub.count(PUT)
        self.assertLessEqual(puts, len(dataset_files(self.data)) - 1)
        self.publish(branch="c/d")
        self.assert_published("c/d")
        self.assertEqual(self.hub.count(PUT), puts)

    def test_main_branch(self):
        self.publish(branch=None)
        self.assert_published("main")
        self.assertEqual(self.hub.count(BRANCH), 0)

    def test_private(self):
        self.publish("--private", "--message", "Mine")
        self.assertTrue(self.hub.repos[("dataset", REPO)].private)
        self.assertEqual(self.hub.history("dataset", REPO, "b")[0].summary, "Mine")

    def test_message(self):
        self.publish("--message", "First line\nA longer text.", "--files-per-commit", "15")
        first, second = self.hub.history("dataset", REPO, "b")[1::-1]
        self.assertEqual([first.summary, second.summary],
                         ["First line (part 1)", "First line (part 2)"])
        self.assertIn("--message: expected a text", self.publish("--message", " \n", code=1).stderr)

    def test_message_says_what_happens_to_the_branch(self):
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"})
        self.publish(branch="main")
        with open(f"{self.data}/README.md", "a") as card:
            card.write("\nMore.\n")
        self.publish(branch="main")
        self.hub.branch("dataset", REPO, "main", {"old.txt": b"x"})
        self.publish("--replace", branch="main")
        words = [c.summary.split(" model")[0] for c in self.hub.history("dataset", REPO, "main")]
        self.assertEqual(words, ["Replace with", "contents", "Update", "Add", "contents"])

    def test_asks_few_questions(self):
        """They count against the quota of an account."""
        for branch, most in (("b", 6), ("c", 4), ("c", 2)):
            self.hub.log.clear()
            self.publish(branch=branch)
            self.assertLessEqual(self.hub.count(r"GET .*/refs"), most)
            self.assertEqual(self.hub.count("whoami"), 1)

    def test_branch_that_is_seen_late(self):
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"})
        branches, late = self.hub.repos[("dataset", REPO)].branches, []

        def hide(_):
            if "b" in branches and not late:
                late.append(branches.pop("b"))
                threading.Timer(1, branches.setdefault, ("b", late[0])).start()
        self.hub.before("GET .*/refs", hide, 100)
        self.publish()
        self.assertTrue(late)
        self.assert_published()

    def test_same_dataset_by_another_publisher(self):
        """He moves the branch when this one is about to."""
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"})
        self.hub.before("GET .*/refs", lambda _: self.publish(), 1, skip=2)
        self.publish()
        self.assert_published()
        self.assertEqual(self.hub.count(COMMIT), 1)

    def test_two_publishers_share_a_staging_branch(self):
        """The first to finish deletes it."""
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"})
        self.hub.branch("dataset", REPO, "b")
        parts = ("--files-per-commit", "6")
        self.hub.before(COMMIT, lambda _: self.publish(*parts), 1, skip=1)
        self.publish(*parts)
        self.assert_published()
        self.assertEqual(sorted(self.hub.repos[("dataset", REPO)].branches), ["b", "main"])

    def test_card_that_names_another_place(self):
        out = f"{self.data}-placed"
        self.run_program("sniff", *fixtures.sniff_arguments(
            self.config, out, "--no-upload", sets=["output.hf_repo_id=org/qk", "output.hf_branch=b"]))
        self.assertNotIn("warning", self.publish(folder=out).stderr)
        self.assertIn("the card says that the dataset is at org/qk, branch b",
                      self.publish(folder=out, repo="org/other").stderr)

    def test_repository_without_main(self):
        branches = self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"}).branches
        branches["master"] = branches.pop("main")
        self.assertIn("has no branch main", self.publish(code=1).stderr)
        self.publish(branch="master")
        self.assert_published("master")

    def test_web_page_of_the_network(self):
        self.hub.fail("html", on=PUT)
        self.assertIn("with a web page: sign in", self.publish(code=1).stderr)

    def test_foreign_files(self):
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n", "paper.pdf": b"%PDF\0"})
        self.hub.branch("dataset", REPO, "b")
        done = self.publish("--dry-run")
        self.assertIn("paper.pdf", done.stdout)
        done = self.publish()
        self.assertEqual(self.on_branch()["paper.pdf"], b"%PDF\0")
        self.assertIn(b"configs:", self.on_branch()["README.md"])
        done = self.publish("--replace", "--dry-run")
        self.assertRegex(done.stdout, r"deleted +1 file of the branch\n +paper.pdf")
        self.publish("--replace")
        self.assert_published()
        self.assertIn(".gitattributes", self.hub.files("dataset", REPO, "b"))
        self.assertEqual(self.on_branch("main")["README.md"], b"# mine\n")

    def test_new_branch_does_not_get_the_data_of_main(self):
        self.hub.add_repo("dataset", REPO, {"README.md": b"# data\n", "l09h09q/data.parquet": b"PAR1"})
        self.publish()
        self.assert_published()
        self.assertIn("l09h09q/data.parquet", self.on_branch("main"))

    def test_changed_and_removed_files(self):
        self.publish()
        puts = self.hub.count(PUT)
        other = f"{self.data}-other"
        self.run_program("sniff", *fixtures.sniff_arguments(self.config, other,
                                                            sets=["capture.layers=[0]"]))
        self.publish("--replace", folder=other)
        self.assert_published(folder=other)
        self.assertLess(self.hub.count(PUT) - puts, puts)

    def test_branch_that_moves(self):
        self.publish()
        pathlib.Path(self.data, "README.md").write_bytes(
            pathlib.Path(self.data, "README.md").read_bytes() + b"\nMore.\n")
        self.hub.before(COMMIT, lambda _: self.hub.branch("dataset", REPO, "b", {"x": b"y"}))
        done = self.publish(code=1)
        self.assertIn("moved from", done.stderr)
        self.assertEqual(self.on_branch(), {"x": b"y"})
        self.publish("--replace")
        self.assert_published()

    def test_parts_on_a_staging_branch(self):
        self.publish()
        old = self.hub.head("dataset", REPO, "b")
        other = f"{self.data}-other"
        self.run_program("sniff", *fixtures.sniff_arguments(self.config, other,
                                                            sets=["capture.rope=pre"]))
        seen = []
        self.hub.before(COMMIT, lambda _: seen.append(self.hub.head("dataset", REPO, "b")), 1000)
        self.publish("--files-per-commit", "4", folder=other)
        self.assert_published(folder=other)
        self.assertGreater(len(seen), 3)
        self.assertEqual(set(seen), {old})
        self.assertEqual(sorted(self.hub.repos[("dataset", REPO)].branches), ["b", "main"])
        last = self.hub.history("dataset", REPO, "b")[0]
        self.assertIn("README.md", last.files)
        before = self.hub.history("dataset", REPO, "b")[1]
        self.assertNotEqual(before.files["README.md"].data, last.files["README.md"].data)

    def test_commit_that_is_too_large(self):
        for status in (413, 400, 504):
            with self.subTest(status):
                repo = f"org/limit-{status}"
                self.hub.files_per_commit, self.hub.files_status = 7, status
                self.publish(repo=repo, code=1 if status == 400 else 0)
                if status != 400:
                    self.assert_published(repo=repo)
                self.assertNotIn("staging", str(self.hub.repos[("dataset", repo)].branches)
                                 if status != 400 else "")

    def test_lost_answers(self):
        for fault in ("lost-answer", "lost-504"):
            for on in (COMMIT, PUT, BATCH, CREATE, BRANCH):
                with self.subTest(fault=fault, on=on):
                    repo = f"org/{fault}-{len(self.hub.repos)}"
                    fault_ = self.hub.fail(fault, on=on)
                    self.publish(repo=repo)
                    self.assertEqual(fault_.times, 0)
                    self.assert_published(repo=repo)
                    self.assertEqual(len(self.hub.history("dataset", repo, "b")), 3)

    def test_expired_addresses(self):
        fault = self.hub.fail("expired", on=PUT, times=2)
        self.publish()
        self.assertEqual(fault.times, 0)
        self.assert_published()

    def test_multipart(self):
        self.hub.multipart_above, self.hub.part_bytes = 2000, 1000
        self.publish()
        self.assert_published()

    def test_wrong_permissions(self):
        env = self.hub.env
        cases = {
            "reader": (Account("org", role="read"), "may only read"),
            "stranger": (Account("somebody"), "neither that user nor one of their organisations"),
            "guest": (Account("somebody", organisations={"org": "read"}), "may only read in"),
            "narrow": (Account("org", role="fineGrained", scopes=[]), "is not allowed to create"),
        }
        for name, (account, sentence) in cases.items():
            with self.subTest(name):
                self.hub.accounts[f"hf_{name}"] = account
                done = self.publish(code=1, env=env(f"hf_{name}"))
                self.assertIn(sentence, done.stderr)
        self.hub.add_repo("dataset", REPO, {})
        done = self.publish(code=1, env=env("hf_stranger"))
        self.assertIn("may not write to this repository", done.stderr)
        self.assertIn("hf auth login", self.publish(code=1, env=env(None)).stderr)
        self.assertIn("HF_HUB_OFFLINE", self.publish(code=1, env=env(HF_HUB_OFFLINE=1)).stderr)
        self.assertEqual(self.hub.count(WRITES), 0)

    def test_fine_grained_token(self):
        self.hub.add_repo("dataset", REPO, {})
        scopes = [("dataset", REPO, ["repo.write", "repo.content.read"])]
        self.hub.accounts["hf_fine"] = Account("org", role="fineGrained", scopes=scopes)
        self.publish(env=self.hub.env("hf_fine"))
        self.assert_published()

    def test_bad_names(self):
        self.assertIn("--branch", self.publish(branch="a..b", code=1).stderr)
        self.assertIn("--repo", self.publish(repo="a/b/c", code=1).stderr)
        self.assertIn("--repo", self.publish(repo=None, branch=None, code=1).stderr)
        self.assertIn("beside the branch main", self.publish(branch="main/x", code=1).stderr)
        self.hub.add_repo("dataset", REPO, {})
        self.hub.branch("dataset", REPO, "a")
        self.assertIn("a/b", self.publish(branch="a/b", code=1).stderr)
        self.assertEqual(self.hub.count(WRITES), 0)

    def test_remembers_where_it_went(self):
        self.publish()
        self.assertIn("Published already", self.publish(repo=None, branch=None).stdout)

    def test_renamed_repository(self):
        self.hub.add_repo("dataset", "org/new", {})
        self.hub.add_repo("dataset", REPO, {}, renamed_to="org/new")
        self.publish()
        self.assert_published(repo="org/new")

    def test_private_is_asked_of_a_public_repository(self):
        self.hub.add_repo("dataset", REPO, {})
        self.assertIn("but this one is public", self.publish("--private", code=1).stderr)
        self.assertEqual(self.hub.count("PUT"), 0)

    def test_token_that_is_not_sent_unasked(self):
        env = self.hub.env(HF_HUB_DISABLE_IMPLICIT_TOKEN=1)
        self.publish("--private", env=env)
        self.publish("--private", branch="c", env=env)
        self.assert_published("c")

    @unittest.skipIf(pq is None, "no pyarrow")
    def test_dataset_of_the_original(self):
        """Its cards have no YAML, its files no footers of ours."""
        out = f"{self.data}-reference"
        self.run_program("sniff", *fixtures.sniff_arguments(self.config, out,
                                                            sets=["compat=reference"]))
        card = pathlib.Path(out, "README.md")
        card.write_text(card.read_text().split("---\n", 2)[2])
        self.assertIn("has no `configs:`", self.publish(folder=out, code=1).stderr)
        for file in pathlib.Path(out).glob("*/data.parquet"):
            rewrite_without_footers(file)
        text = card.read_text()
        card.write_text(text[:text.index("## Canaries")])
        self.assertIn("will not find the heads", self.publish(folder=out).stderr)
        self.assert_published(folder=out)

    def test_card_that_leaves_out_a_head(self):
        card = pathlib.Path(self.data, "README.md")
        text = card.read_text()
        entry = '- config_name: "l00h01q"\n  data_files: "l00h01q/data.parquet"\n'
        self.assertIn(entry, text)
        card.write_text(text.replace(entry, ""))
        self.assertIn("l00h01q is not listed in the card", self.publish(code=1).stderr)
        begin, end = text.index("configs:"), text.index("---\n", 4)
        card.write_text(text[:begin] + "configs: [{config_name: l00h00q, data_files: "
                        "l00h00q/data.parquet}]\n" + text[end:])
        self.assertIn("`configs:` leave out l00h01q", self.publish(code=1).stderr)
        card.write_text(text.replace(entry, entry.replace("/data.parquet", "/x.parquet")))
        self.assertIn("l00h01q/x.parquet", self.publish(code=1).stderr)

    def test_bare_name_is_in_the_own_namespace(self):
        self.publish(repo="qk")
        self.assert_published(repo="org/qk")

    def test_what_check_refuses(self):
        head = pathlib.Path(self.data, "l00h00q/data.parquet")
        head.write_bytes(head.read_bytes()[:-1] + b"X")
        self.assertIn("is not whole", self.publish(code=1).stderr)
        os.remove(head)
        self.assertIn("holds no Parquet file", self.publish(code=1).stderr)
        os.remove(f"{self.data}/README.md")
        self.assertIn("README.md", self.publish(code=1).stderr)
        self.assertIn("no dataset", self.publish(folder=f"{self.root}/corpus", code=1).stderr)
        self.assertEqual(self.hub.count(WRITES), 0)

    def test_unfinished(self):
        os.makedirs(f"{self.data}/.qkscope")
        pathlib.Path(self.data, ".qkscope/journal").write_bytes(b"")
        self.assertIn("--resume", self.publish(code=1).stderr)

    def test_other_files_of_the_folder_stay_here(self):
        fixtures.write(f"{self.data}/notes.md", "mine")
        fixtures.write(f"{self.data}/.cache/huggingface/x", "y")
        fixtures.write(f"{self.data}/.git/config", "y")
        fixtures.write(f"{self.data}/l00h00q/data.parquet.tmp~", "y")
        self.assertIn("notes.md", self.publish().stdout)
        self.assertEqual(sorted(self.on_branch()), sorted(dataset_files(self.dataset)))

    def test_stopped_and_killed(self):
        for how, code in ((signal.SIGINT, 75), (signal.SIGKILL, -signal.SIGKILL)):
            for skip in (0, 3, 9):
                with self.subTest(how=how, skip=skip):
                    repo = f"org/stop-{int(how)}-{skip}"
                    begun = threading.Event()
                    self.hub.fail("silent", on=PUT, skip=skip)
                    program = subprocess.Popen(
                        [PROGRAM, "publish", self.data, "--repo", repo, "--branch", "b"],
                        env=self.hub.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    self.hub.before(PUT, lambda _, begun=begun: begun.set(), 1 + skip)
                    begun.wait(20)
                    while self.hub.count(PUT) <= skip:
                        pass
                    program.send_signal(how)
                    program.communicate(timeout=30)
                    self.assertEqual(program.returncode, code)
                    self.assertNotIn("b", self.hub.repos[("dataset", repo)].branches)
                    self.hub.heal()
                    self.publish(repo=repo)
                    self.assert_published(repo=repo)


class Sniff(HubCase):
    def sniff(self, *flags, sets=(), code=0, env=None, repo=REPO, branch="b"):
        target = [f"output.hf_repo_id={repo}"] + ([f"output.hf_branch={branch}"] if branch else [])
        arguments = fixtures.sniff_arguments(self.config, self.data, *flags, sets=[*target, *sets])
        return self.run_program("sniff", *arguments, code=code, env=env)

    def setUp(self):
        super().setUp()
        shutil.rmtree(self.data)

    def test_publishes_in_the_end(self):
        done = self.sniff(sets=["output.private=true"])
        self.assert_published()
        self.assertTrue(self.hub.repos[("dataset", REPO)].private)
        self.assertEqual(self.hub.count("whoami"), 1)
        self.assertIn(self.hub.head("dataset", REPO, "b"), done.stdout)
        sent = self.hub.count(WRITES)
        done = self.sniff("--resume")
        self.assertIn("Published already", done.stdout)
        self.assertEqual(self.hub.count(WRITES), sent)
        self.assertIn("holds a dataset already", self.sniff(code=1).stderr)
        self.publish(repo=None, branch=None)  # the card knows where
        self.assertEqual(self.hub.count(WRITES), sent)
        self.sniff("--overwrite")
        self.assertEqual(self.hub.count(WRITES), sent)

    def test_no_upload(self):
        self.sniff("--no-upload")
        self.assertEqual(self.hub.count("."), 0)
        self.publish(repo=None, branch=None)
        self.assert_published()

    def test_dry_run(self):
        done = self.sniff("--dry-run")
        self.assertIn("org/qk, branch b (a public repository, which will be created), as user org",
                      done.stdout)
        self.assertRegex(done.stdout, r"disk +.* for journal and dataset, .* free")
        self.assertIn("not now (--no-upload)", self.sniff("--dry-run", "--no-upload").stdout)
        self.assertEqual(self.hub.count(WRITES), 0)

    def test_checks_before_the_work(self):
        self.hub.accounts["hf_reader"] = Account("org", role="read")
        for flags in ([], ["--dry-run"]):
            self.assertIn("may only read",
                          self.sniff(*flags, code=1, env=self.hub.env("hf_reader")).stderr)
            self.assertIn("needs a token", self.sniff(*flags, code=1, env=self.hub.env(None)).stderr)
            offline = self.hub.env(HF_HUB_OFFLINE=1)
            self.assertIn("--no-upload", self.sniff(*flags, code=1, env=offline).stderr)
            self.assertIn("hf_branch", self.sniff(*flags, branch="a b", code=1).stderr)
        self.assertFalse(os.path.exists(self.data))

    def test_main_branch_and_bare_name(self):
        self.sniff(repo="qk", branch=None)
        self.assert_published("main", "org/qk")
        self.assertIn(b'load_dataset("org/qk", "l00h00q", split', self.on_branch("main")["README.md"])

    def test_compat_reference_replaces(self):
        self.hub.add_repo("dataset", REPO, {"README.md": b"# mine\n"})
        self.hub.branch("dataset", REPO, "b", {"old.parquet": b"PAR1"})
        self.sniff(sets=["compat=reference"])
        self.assert_published()
        self.assertIn("_saver_state.json", self.on_branch())
        self.assertEqual(self.hub.history("dataset", REPO, "b")[0].summary, "Update dataset")

    def test_foreign_files_stay_unless_replaced(self):
        self.hub.add_repo("dataset", REPO, {})
        self.hub.branch("dataset", REPO, "b", {"old.parquet": b"PAR1"})
        self.assertIn("old.parquet", self.sniff().stdout)
        self.assertIn("old.parquet", self.on_branch())
        self.sniff("--resume", sets=["output.hf_replace=true"])
        self.assert_published()

    def test_failure_leaves_the_dataset(self):
        self.hub.fail("413", on=COMMIT, times=1000)
        done = self.sniff(code=1)
        self.assertIn("finished and whole, but it was not published", done.stderr)
        self.run_program("check", self.data)
        self.hub.heal()
        command = done.stderr.rpartition("this publishes it: ")[2].split()
        self.assertEqual(command[:2], ["qkscope", "publish"])
        self.run_program(*command[1:])
        self.assert_published()

    def test_finished_and_not_published(self):
        self.sniff("--no-upload")
        self.sniff("--resume")
        self.assert_published()


if __name__ == "__main__":
    unittest.main()
