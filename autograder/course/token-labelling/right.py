"""Other right answers for `token-labelling`, in styles that must pass."""

import itertools

import numpy as np
import torch

from autograder.checks import right


@right("encode_batch", "word by word, without word_ids", zh="逐词切分，不用 word_ids")
def encode_word_by_word(tokenizer, sentences, labels):
    rows = []
    for words, numbers in zip(sentences, labels, strict=True):
        ids, row = [tokenizer.cls_token_id], [-100]
        for word, number in zip(words, numbers, strict=True):
            pieces = tokenizer(word, add_special_tokens=False)["input_ids"]
            ids += pieces
            row += [number] + [-100] * (len(pieces) - 1)
        rows.append(([*ids, tokenizer.sep_token_id], [*row, -100]))
    longest = max(len(ids) for ids, _ in rows)
    gaps = [longest - len(ids) for ids, _ in rows]
    pad = tokenizer.pad_token_id
    return {
        "input_ids": torch.tensor([i + [pad] * g for (i, _), g in zip(rows, gaps, strict=True)]),
        "labels": torch.tensor([x + [-100] * g for (_, x), g in zip(rows, gaps, strict=True)]),
        "attention_mask": torch.tensor(
            [[1] * len(i) + [0] * g for (i, _), g in zip(rows, gaps, strict=True)]
        ),
    }


@right("spans_from_tags", "looks for beginnings, then walks on", zh="先找起点，再往后走")
def spans_by_beginnings(tags):
    tags, spans = [*tags, "O"], []
    for i, tag in enumerate(tags):
        before = tags[i - 1] if i else "O"
        if tag == "O" or (tag[0] == "I" and before[1:] == tag[1:]):
            continue
        end = i + 1
        while tags[end] == "I" + tag[1:]:
            end += 1
        spans.append([tag[2:], np.int64(i), end])
    return tuple(spans)


@right("span_f1", "list by list, by hand", zh="逐句用列表计数")
def f1_sentence_by_sentence(true, predicted):
    if len(true) != len(predicted):
        raise ValueError
    right_, told, there = 0, 0, 0
    for one, other in zip(true, predicted, strict=True):
        if len(one) != len(other):
            raise ValueError
        a, b = spans_by_beginnings(one), spans_by_beginnings(other)
        right_ += sum(span in a for span in b)
        told, there = told + len(b), there + len(a)
    p, r = (np.divide(right_, n) if n else 0 for n in (told, there))
    return {"f1": torch.tensor(2 * right_ / max(told + there, 1)), "recall": r, "precision": p}


@right("span_f1", "seqeval itself", zh="直接用 seqeval")
def f1_by_seqeval(true, predicted):
    from seqeval.metrics import f1_score, precision_score, recall_score

    if len(true) != len(predicted) or any(map(lambda a, b: len(a) != len(b), true, predicted)):
        raise ValueError
    true, predicted = true or [["O"]], predicted or [["O"]]
    return {
        "precision": precision_score(true, predicted, zero_division=0),
        "recall": recall_score(true, predicted, zero_division=0),
        "f1": f1_score(true, predicted, zero_division=0),
    }


@right("aspect_scores", "the joint F1 as a product", zh="联合 F1 写成乘积")
def joint_as_a_product(true, predicted):
    hits = [
        a[2] == b[2]
        for one, other in zip(true, predicted, strict=True)
        for a, b in itertools.product(one, other)
        if tuple(a[:2]) == tuple(b[:2])
    ]
    both = sum(map(len, true)) + sum(map(len, predicted))
    extraction = 2 * len(hits) / both if both else 0
    accuracy = np.float32(np.mean(hits)) if hits else np.nan
    joint = extraction * accuracy if hits else 0
    return {"joint_f1": joint, "polarity_accuracy": accuracy, "extraction_f1": extraction}


@right("score_intents", "with torch and boolean masks", zh="torch 与布尔掩码")
def intents_with_torch(true, probabilities, intents, threshold):
    rows = torch.as_tensor(np.asarray(probabilities))
    top = rows.max(dim=1).values
    first = (rows == top[:, None]).int().argmax(dim=1)
    said = np.array([intents[k] for k in first], dtype=object)
    said[(top < threshold).numpy()] = "out_of_scope"
    truth = np.array(true, dtype=object)
    out, told = truth == "out_of_scope", said == "out_of_scope"

    def mean(values):
        return values.mean() if len(values) else np.nan

    return {
        "predicted": said.tolist(),
        "in_scope_accuracy": mean((said == truth)[~out]),
        "out_of_scope_recall": mean(told[out]),
        "out_of_scope_precision": mean(out[told]),
    }


@right("predict_tags", "one sentence at a time, word by word", zh="一次一句，逐词切分")
def tags_one_by_one(model, tokenizer, sentences, names):
    training, found = model.training, []
    model.eval()
    for words in sentences:
        pieces = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        ids = [tokenizer.cls_token_id, *itertools.chain(*pieces), tokenizer.sep_token_id]
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        starts = np.cumsum([1, *map(len, pieces)])[:-1]
        found.append([names[int(logits[s].argmax())] for s in starts])
    model.train(training)
    return found


@right("train_tagger", "plain AdamW in order, at a constant rate", zh="AdamW，按顺序，恒定学习率")
def at_a_constant_rate(model, batches, epochs, learning_rate):
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate / 2)
    losses = np.zeros(epochs)
    for epoch in range(epochs):
        for batch in batches:
            loss = model(
                batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]
            )[0]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses[epoch] += float(loss.detach()) / len(batches)
    model.eval()
    return losses
