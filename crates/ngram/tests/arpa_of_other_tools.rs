//! ARPA files as other tools write them: what KenLM reads is read alike, and what it does not read is read by the format's
//! definition or refused by its name.
#![allow(clippy::approx_constant)] // numbers as the file has them

use papo_ngram::{
    ArpaRemarks, ArpaWriter, END, Error, Layout, Model, ModelWriter, State, UNKNOWN, WriteOptions,
    import_arpa,
};

const ARPA: &str = include_str!("small.arpa");

fn imported(bytes: impl AsRef<[u8]>, layout: Layout) -> Result<(Model<Vec<u8>>, ArpaRemarks), Error> {
    let folder = tempfile::tempdir().unwrap();
    let (text, binary) = (folder.path().join("model.arpa"), folder.path().join("model.ngram"));
    std::fs::write(&text, bytes).unwrap();
    let options = WriteOptions { layout, ..WriteOptions::default() };
    let (writer, remarks) = import_arpa(&text, &mut || ModelWriter::new(&binary, options))?;
    writer.finish()?;
    Ok((Model::open(std::fs::read(&binary).unwrap(), &binary)?, remarks))
}

fn read(bytes: impl AsRef<[u8]>) -> (Model<Vec<u8>>, ArpaRemarks) {
    imported(bytes, Layout::Trie).unwrap()
}

/// log₁₀ p and the order that answered, word by word; the end of the sentence comes last.
fn scores(model: &Model<Vec<u8>>, sentence: &str) -> Vec<(f32, usize)> {
    let (mut state, mut after) = (model.start_state(), State::default());
    let ids = sentence.split(' ').map(|word| model.id(word).unwrap_or(UNKNOWN)).chain([END]);
    ids.map(|id| {
        let score = model.score(&state, id, &mut after);
        state = after;
        (score.log10_probability, score.matched)
    })
    .collect()
}

const SENTENCES: [&str; 5] = ["a b c d", "b c d", "x a b", "d d c", "b"];

#[track_caller]
fn assert_same(bytes: impl AsRef<[u8]>) -> ArpaRemarks {
    let (expected, _) = read(ARPA);
    let (found, remarks) = read(bytes);
    for sentence in SENTENCES {
        assert_eq!(scores(&found, sentence), scores(&expected, sentence), "{sentence}");
    }
    remarks
}

#[test]
fn any_text_may_stand_before_the_data() {
    let quicklm = "Language model created by QuickLM on a day\n\nThe (fixed) discount mass is 0.5.\nngram 1=3 is no count yet\n\n";
    for text in [
        quicklm,
        "# a tool\n# and its options\n",
        "####\n## This file was produced by a toolkit\n\n\n",
        "\u{feff}",
        "\u{feff}\n",
    ] {
        assert_eq!(assert_same(format!("{text}{ARPA}")), ArpaRemarks::default());
    }
    let latin1 = [b"produced by S\xf6ren\n".as_slice(), ARPA.as_bytes()].concat();
    assert_same(latin1);
}

#[test]
fn empty_lines_line_ends_and_spaces_mean_nothing() {
    assert_same(ARPA.replace('\n', "\r\n"));
    assert_same(ARPA.replace('\n', "\n\n"));
    assert_same(ARPA.replace('\n', " \n\t\n"));
    assert_same(ARPA.replace('\t', " "));
    assert_same(ARPA.replace("\\data\\", "\\data\\ ").replace("-grams:", "-grams: "));
}

#[test]
fn a_section_without_entries_may_be_left_out() {
    let without = |text: &str| {
        text.replace("ngram 3=3", "ngram 3=0")
            .replace("-0.2218487\t<s> a b\n-0.154902\ta b c\n-0.60206\tb c d\n", "")
    };
    let (empty, _) = read(without(ARPA));
    let (left_out, _) = read(without(ARPA).replace("\\3-grams:\n", ""));
    for sentence in SENTENCES {
        assert_eq!(scores(&empty, sentence), scores(&left_out, sentence));
    }
}

#[test]
fn the_unknown_word_may_be_spelled_in_capitals() {
    assert_eq!(assert_same(ARPA.replace("<unk>", "<UNK>")), ArpaRemarks::default());
    let (model, _) = read(ARPA.replace("<unk>", "<UNK>"));
    assert_eq!(model.id("<UNK>"), None, "it is no word of its own");
    let both = ARPA.replace("ngram 1=7", "ngram 1=8").replace("-0.69897\tc", "-2\t<UNK>\n-0.69897\tc");
    assert!(imported(both, Layout::Trie).unwrap_err().to_string().contains("both <unk> and <UNK>"));
}

#[test]
fn a_file_without_an_unknown_word_gets_that_of_kenlm_and_a_remark() {
    let text = ARPA
        .replace("ngram 1=7", "ngram 1=6")
        .replace("-1.30103\t<unk>\t-0.0299632\n", "")
        .replace("ngram 2=7", "ngram 2=6")
        .replace("-0.5228787\t<unk> a\t0\n", "");
    let (model, remarks) = read(text);
    assert!(remarks.unknown_missing);
    // As KenLM 2021 says: -100 and the back-off weight of <s>.
    let (log10_p, matched) = scores(&model, "x")[0];
    assert!((log10_p + 100.263_24).abs() < 1e-4 && matched == 1, "{log10_p}");
    assert_eq!(remarks.sentences().len(), 1);
}

#[test]
fn a_word_that_is_spelled_pad_is_a_word() {
    let text = ARPA.replace("\td\t0", "\t<pad>\t0").replace("b c d", "b c <pad>");
    for layout in [Layout::Trie, Layout::Hashed] {
        let ((model, _), (expected, _)) = (imported(&text, layout).unwrap(), read(ARPA));
        assert_eq!(model.id("<pad>"), Some(3));
        for sentence in SENTENCES {
            assert_eq!(scores(&model, &sentence.replace('d', "<pad>")), scores(&expected, sentence));
        }
    }
    let (without, _) = read(ARPA);
    assert_eq!(without.id("<pad>"), None);
}

#[test]
fn a_form_feed_or_a_no_break_space_is_part_of_a_word_as_for_kenlm() {
    for letter in ["\u{c}", "\u{b}", "\u{a0}", "\u{2028}"] {
        let word = format!("b{letter}b");
        let text = ARPA
            .replace("\tb\t", &format!("\t{word}\t"))
            .replace(" b", &format!(" {word}"))
            .replace("\tb ", &format!("\t{word} "));
        let ((model, _), (expected, _)) = (read(text), read(ARPA));
        for sentence in SENTENCES {
            assert_eq!(
                scores(&model, &sentence.replace('b', &word)),
                scores(&expected, sentence),
                "{letter:?}"
            );
        }
    }
}

#[test]
fn a_context_that_was_pruned_away_is_added_and_changes_no_probability() {
    // Without `a b` and `b c`, the contexts of three trigrams. By the definition of back-off:
    let text = ARPA
        .replace("ngram 2=7", "ngram 2=5")
        .replace("-0.30103\ta b\t-0.30103\n", "")
        .replace("-0.39794\tb c\t-0.0931469\n", "");
    let text = text.replace("<s> a b", "d a b");
    let text =
        text.replace("-0.60206\tb c d", "-0.60206\tb c d\n-0.1\tb d d").replace("ngram 3=3", "ngram 3=4");
    for layout in [Layout::Trie, Layout::Hashed] {
        let (model, remarks) = imported(&text, layout).unwrap();
        assert_eq!(remarks.contexts_added, 4, "d a, a b, b c and b d");
        assert_eq!(model.counts(), [7, 9, 4]);
        let found: Vec<f32> = scores(&model, "a b c d").into_iter().map(|(log10_p, _)| log10_p).collect();
        let expected = [-0.30103, -0.69897 - 0.20412 - 0.09691, -0.154902, -0.60206, -0.8239087];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
    let deep = "\\data\\\nngram 1=4\nngram 2=1\nngram 3=0\nngram 4=1\n\\1-grams:\n-1\t<unk>\n-1\t<s>\t-0.5\n-1\t</s>\n-2\ta\t-0.25\n\\2-grams:\n-0.75\t<s> a\t-0.125\n\\3-grams:\n\\4-grams:\n-0.5\t<s> a a </s>\n\\end\\\n";
    let (model, remarks) = read(deep);
    assert_eq!((remarks.contexts_added, model.counts()), (1, &[4, 1, 1, 1][..]), "<s> a a");
    let expected = [-0.75, -2.0 - 0.25 - 0.125, -0.5];
    assert_eq!(scores(&model, "a a").iter().map(|score| score.0).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_wrong_has_its_line_though_empty_lines_stand_between() {
    let text = ARPA
        .replace("-1.0\tb </s>\t0\n", "\n\n-1.0\tb </s>\t0\n\n-1.0\tb </s>\t0\n")
        .replace("ngram 2=7", "ngram 2=8");
    for layout in [Layout::Trie, Layout::Hashed] {
        let sentence = imported(&text, layout).unwrap_err().to_string();
        assert!(sentence.contains("line 24: the n-gram `b </s>` comes twice"), "{sentence}");
    }
}

#[test]
fn files_of_other_formats_are_called_by_their_names() {
    let cases: [(&[u8], &str); 9] = [
        (b"BZh91AY&SY", "bunzip2"),
        (b"\xfd7zXZ\0\0\x04", "unxz"),
        (b"\x28\xb5\x2f\xfd\x24", "unzstd"),
        (b"PK\x03\x04\x14", "zip"),
        (b"mmap lm http://kheafield.com/code format version 5\n\0", "KenLM"),
        (b"iARPA\n\ngram 1= 3\n", "compile-lm"),
        (b"blmt 3 10\n", "IRSTLM"),
        (b"\xff\xfe\\\0d\0", "utf-16"),
        (b"<!DOCTYPE html>\n<title>404</title>", "web page"),
    ];
    for (bytes, word) in cases {
        let packed = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, bytes).unwrap();
            encoder.finish().unwrap()
        };
        for file in [bytes, &packed] {
            let sentence = imported(file, Layout::Trie).unwrap_err().to_string();
            assert!(sentence.contains(word) && sentence.contains("model.arpa"), "{sentence}");
        }
    }
    let sentence = imported("just\nsome\ntext\n", Layout::Trie).unwrap_err().to_string();
    assert!(sentence.contains("without a line \\data\\") && sentence.contains("\"just\""), "{sentence}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_though_its_contexts_are_looked_for_twice() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = ARPA.replace("ngram 2=7", "ngram 2=6").replace("-0.30103\ta b\t-0.30103\n", "");
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, text).unwrap()
    });
    let binary = folder.path().join("model.ngram");
    let (model, remarks) =
        import_arpa(&pipe, &mut || ModelWriter::new(&binary, WriteOptions::default())).unwrap();
    model.finish().unwrap();
    writer.join().unwrap();
    assert_eq!(remarks.contexts_added, 1);
}

#[test]
fn every_model_can_be_written_as_an_arpa_file_and_read_again() {
    let options = [
        WriteOptions::default(),
        WriteOptions { layout: Layout::Hashed, ..WriteOptions::default() },
        WriteOptions { quantise: Some(2), ..WriteOptions::default() },
    ];
    for options in options {
        let folder = tempfile::tempdir().unwrap();
        let (text, binary) = (folder.path().join("model.arpa"), folder.path().join("model.ngram"));
        std::fs::write(&text, ARPA).unwrap();
        let (writer, _) = import_arpa(&text, &mut || ModelWriter::new(&binary, options)).unwrap();
        writer.finish().unwrap();
        let model = Model::open(std::fs::read(&binary).unwrap(), &binary).unwrap();
        let again = folder.path().join("again.arpa.gz");
        let mut arpa = ArpaWriter::create(&again, 2).unwrap();
        model.list(&binary, &mut arpa).unwrap();
        arpa.finish().unwrap();
        let (found, _) = read(std::fs::read(&again).unwrap());
        assert_eq!(found.counts(), model.counts());
        for sentence in SENTENCES {
            assert_eq!(scores(&found, sentence), scores(&model, sentence), "{options:?} {sentence}");
        }
        let mut damaged = std::fs::read(&binary).unwrap();
        *damaged.last_mut().unwrap() ^= 1;
        let damaged = Model::open(damaged, &binary).unwrap();
        let mut arpa = ArpaWriter::create(&folder.path().join("no.arpa"), 1).unwrap();
        assert!(damaged.list(&binary, &mut arpa).unwrap_err().to_string().contains("check sum"));
    }
}
