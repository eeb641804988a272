#!/usr/bin/env python3
"""Items per second of `strata eval` against lm-evaluation-harness, on one model, and whether their numbers agree.

Usage: scripts/bench/eval.py HF_FOLDER DATA [--tasks a,b] [--shots N] [--limit N] [--rounds N] [--threads N]
                             [--batch N] [--strata PROGRAM] [--tokenizer spiece.model]

HF_FOLDER: a stock LLaMA that both can read (`strata export`). DATA: the folder of the tasks' files. Both take turns,
`rounds` times, with as many threads; Strata is timed from its start to its end, the harness from its first document to
its last, so without importing torch and loading the model. Needs a Python with lm_eval 0.4.13 and transformers.
"""

import argparse
import gzip
import io
import json
import os
import subprocess
import tempfile
import time
import zipfile

FILES = {"social_iqa": "siqa", "hellaswag": "hellaswag_1000"}


def records(data, name):
    path = os.path.join(data, name + ".jsonl.gz")
    if not os.path.exists(path):
        return None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def plain(text, choices, gold):
    return {"text": text, "choices": choices, "gold": gold}


def worded(task, record):
    """The document in the words of the harness; the same as Strata's task files say."""
    if task == "boolq":
        return plain(record["query"], ["no", "yes"], int(record["choices"][record["gold"]] == "yes"))
    if task == "piqa":
        return plain(f"Question: {record['goal']}\nAnswer:", [record["sol1"], record["sol2"]], record["label"])
    if task == "social_iqa":
        choices = [record["answerA"], record["answerB"], record["answerC"]]
        return plain(f"Q: {record['context']} {record['question']}\nA:", choices, int(record["label"]) - 1)
    if task == "openbookqa":
        stem = record["query"].removeprefix("Question: ").removesuffix("\nAnswer:")
        return plain(stem, record["choices"], record["gold"])
    if task == "winogrande":
        place = record["sentence"].index("_")
        begins = [record["sentence"][:place] + record[option] for option in ("option1", "option2")]
        return {"begins": begins, "rest": record["sentence"][place + 1 :].strip(), "gold": int(record["answer"]) - 1}
    return plain(record["query"], record["choices"], record["gold"])


def mmlu(data, subject, split):
    import csv

    with zipfile.ZipFile(os.path.join(data, "mmlu.zip")) as archive:
        text = io.TextIOWrapper(archive.open(f"data/{split}/{subject}_{split}.csv"), encoding="utf-8", newline="")
        rows = list(csv.reader(text))
    letters = ["A", "B", "C", "D"]
    return [
        plain(
            row[0].strip() + "".join(f"\n{letter}. {choice}" for letter, choice in zip(letters, row[1:5])) + "\nAnswer:",
            letters,
            letters.index(row[5]),
        )
        for row in rows
    ]


def harness_task(data, task):
    """A task config of lm_eval over the local files: the same documents, pools and order as Strata's."""
    import datasets

    common = {"task": task, "output_type": "multiple_choice", "test_split": "test", "metadata": {"version": 1}}
    if task.startswith("mmlu_"):
        subject = task.removeprefix("mmlu_")
        splits = {"test": mmlu(data, subject, "test"), "pool": mmlu(data, subject, "dev")}
        about = " ".join(subject.split("_"))
        common["description"] = f"The following are multiple choice questions (with answers) about {about}.\n\n"
        common["fewshot_config"] = {"sampler": "first_n", "split": "pool"}
        common["fewshot_split"] = "pool"
    else:
        name = FILES.get(task, task)
        splits = {"test": [worded(task, record) for record in records(data, name)]}
        pool = records(data, FILES.get(task, task) + ".fewshot")
        if pool is not None:
            splits["pool"] = [worded(task, record) for record in pool]
            common["fewshot_split"] = "pool"
            common["fewshot_config"] = {"split": "pool"}
        else:
            common["fewshot_split"] = "test"
            common["fewshot_config"] = {"sampler": "first_n", "split": "test"}
    if task == "winogrande":
        words = {
            "doc_to_text": lambda doc: doc["gold"],
            "doc_to_choice": lambda doc: doc["begins"],
            "doc_to_target": lambda doc: doc["rest"],
        }
    else:
        words = {
            "doc_to_text": lambda doc: doc["text"],
            "doc_to_choice": lambda doc: doc["choices"],
            "doc_to_target": lambda doc: doc["gold"],
        }
    tables = {split: datasets.Dataset.from_list(documents) for split, documents in splits.items()}
    return common | words | {"custom_dataset": lambda **_: datasets.DatasetDict(tables)}


class Harness:
    def __init__(self, arguments):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from lm_eval.models.huggingface import HFLM

        torch.set_num_threads(arguments.threads)
        self.arguments = arguments
        self.model = HFLM(
            pretrained=arguments.model, dtype="float32", device="cpu", batch_size=arguments.batch, add_bos_token=False
        )

    def run(self, task):
        """Seconds, and the log-likelihoods of each document."""
        import lm_eval
        from lm_eval.tasks import TaskManager

        config = harness_task(self.arguments.data, task)
        begun = time.time()
        results = lm_eval.simple_evaluate(
            model=self.model,
            tasks=[config],
            num_fewshot=self.arguments.shots,
            limit=self.arguments.limit,
            task_manager=TaskManager(include_defaults=False),
            bootstrap_iters=0,
        )
        seconds = time.time() - begun
        samples = sorted(results["samples"][task], key=lambda sample: sample["doc_id"])
        scores = [[float(answer[0]) for answer in sample["filtered_resps"]] for sample in samples]
        return seconds, scores, results["results"][task]["acc,none"]


def strata(arguments, task):
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "results.json")
        command = [arguments.strata, "eval", arguments.model, "--data", arguments.data, "--tasks", task]
        command += ["--shots", str(arguments.shots), "--limit", str(arguments.limit), "--output", output]
        command += ["--threads", str(arguments.threads), "--tokenizer", arguments.tokenizer]
        begun = time.time()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.time() - begun
        with open(output, encoding="utf-8") as file:
            result = json.load(file)["tasks"][task]
    return seconds, [item["log_likelihoods"] for item in result["items"]], result["acc"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--tasks", default="arc_easy,boolq,hellaswag,openbookqa,piqa,winogrande,mmlu_astronomy")
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", default="1", help="batch size of the harness")
    parser.add_argument("--strata", default="build/release/strata")
    parser.add_argument("--tokenizer", default="data/t5/spiece.model")
    arguments = parser.parse_args()

    harness = Harness(arguments)
    print("task                    items   harness   strata   ratio   largest difference   acc of both")
    for task in arguments.tasks.split(","):
        ours, theirs, largest = [], [], 0.0
        for _ in range(arguments.rounds):
            seconds, scores, acc = strata(arguments, task)
            ours.append(len(scores) / seconds)
            seconds, reference, reference_acc = harness.run(task)
            theirs.append(len(scores) / seconds)
            assert len(scores) == len(reference), f"{task}: {len(scores)} and {len(reference)} documents"
            for a, b in zip(scores, reference):
                largest = max(largest, max(abs(x - y) for x, y in zip(a, b)))
        rates = f"{max(theirs):8.2f}  {max(ours):7.2f}  {max(ours) / max(theirs):5.1f}x"
        print(f"{task:22} {len(scores):6}  {rates}   {largest:18.2e}   {reference_acc:.4f} {acc:.4f}", flush=True)


if __name__ == "__main__":
    main()
