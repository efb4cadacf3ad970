"""What the probes of `token-labelling` measure with: tagged words as tensors, a share of spans."""

NAMES = ("O", "B-BACK", "I-BACK", "B-WANT", "I-WANT", "B-DAY", "I-DAY")


def batch_of(tokenizer, pairs):
    """Words and tags as tensors, by transformers' own collator."""
    from transformers import DataCollatorForTokenClassification

    rows = []
    for words, tags in pairs:
        row = tokenizer(words, is_split_into_words=True)
        places = row.word_ids()
        row["labels"] = [
            -100 if place is None or place in places[:i] else NAMES.index(tags[place])
            for i, place in enumerate(places)
        ]
        rows.append(row)
    return dict(DataCollatorForTokenClassification(tokenizer)(rows))


def note_sizes(model, sizes):
    """From now on append the number of sentences of every forward pass; the hook's handle."""
    return model.register_forward_pre_hook(
        lambda _, a, k: sizes.append(len(a[0] if a else k["input_ids"])), with_kwargs=True
    )


def span_share(true, predicted):
    """F1 over spans of well-formed or stray tags, counted by hand."""
    found = []
    for part in (true, predicted):
        spans = set()
        for row, tags in enumerate(part):
            start = None
            for i, tag in enumerate([*tags, "O"]):
                continues = i and tag[0] == "I" and tags[i - 1][1:] == tag[1:]
                if start is not None and not continues:
                    spans.add((row, start, i, tags[start][1:]))
                    start = None
                if tag != "O" and not continues:
                    start = i
        found.append(spans)
    return 2 * len(found[0] & found[1]) / max(sum(map(len, found)), 1)
