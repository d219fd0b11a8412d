//! The program in Portuguese, where the environment asks for it; and English, to the letter, where other programs read.

mod program;

use std::process::Command;

use program::{Run, checkpoint, run, run_with};

fn brazilian(command: &mut Command) {
    command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "pt_BR.UTF-8");
}

fn em_portugues(arguments: &[&str], input: &str) -> Run {
    run_with(brazilian, arguments, input)
}

/// Words of English that no Portuguese text has.
#[track_caller]
fn has_no_english(text: &str) {
    let words = text.split(|c: char| !c.is_alphanumeric() && !"-_`'\"/<.".contains(c));
    let english = ["the", "of", "and", "with", "which", "unless", "given", "it", "model"];
    let found: Vec<&str> = words.filter(|word| english.contains(word)).collect();
    assert!(found.is_empty(), "{found:?} in:\n{text}");
}

#[test]
fn help_is_portuguese_on_every_page() {
    let pages: [&[&str]; 22] = [
        &["--help"],
        &["-h"],
        &["help"],
        &["chat", "--help"],
        &["compare", "--help"],
        &["generate", "--help"],
        &["generate", "-h"],
        &["tokenize", "--help"],
        &["next", "--help"],
        &["train", "--help"],
        &["train", "retrieval", "--help"],
        &["train", "ngram", "--help"],
        &["train", "lstm", "--help"],
        &["train", "seq2seq", "--help"],
        &["train", "transformer", "--help"],
        &["eval", "--help"],
        &["bench", "--help"],
        &["quantize", "--help"],
        &["pull", "--help"],
        &["show", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ];
    for words in pages {
        let help = em_portugues(words, "").exits(0).stdout;
        assert!(help.contains("\nUso: papo") && help.contains("\nOpções:\n"), "{words:?}:\n{help}");
        has_no_english(&help);
        for english in ["Usage", "Options", "[OPTIONS]", "default:", "possible values", "Possible", "Print"] {
            assert!(!help.contains(english), "{words:?} {english}:\n{help}");
        }
    }
    let help = em_portugues(&["chat", "--help"], "").stdout;
    for words in
        ["--num-beams <N>", "Opções de geração:", "Valores possíveis:\n", "[padrão: auto]", "[MODELO]"]
    {
        assert!(help.contains(words), "{words}:\n{help}");
    }
}

#[test]
fn what_the_parser_refuses_is_told_in_portuguese() {
    for (words, told) in [
        (&["chat", "--num-beans", "4"][..], "erro: argumento '--num-beans' inesperado"),
        (&["chat", "--num-beans", "4"], "  dica: existe um argumento parecido: '--num-beams'"),
        (&["chta"], "erro: comando 'chta' desconhecido"),
        (&["chat", "--dtype", "int7"], "valor 'int7' inválido para '--dtype <TIPO>'\n  [valores: auto, f32"),
        (&["generate"], "faltam estes argumentos obrigatórios:\n  <MODELO>\n\nUso: papo generate"),
        (&["chat", "--threads", "0"], "não está em 1..=1024"),
        (&["bench", "--runs", "x"], "valor 'x' inválido para '--runs <N>': não é um número inteiro"),
        (&["bench", "--runs"], "é preciso um valor para '--runs <N>'"),
        (&["bench", "--runs", "1", "--runs", "2"], "não pode ser usado mais de uma vez"),
        (&["compare", "--prompt", "a", "--prompts", "b"], "não pode ser usado junto com"),
        (&["quantize", "gru", "--dtype=int8", "--out"], "Para saber mais, use '--help'."),
        (&["train", "lstm", "--data", "a", "--out", "b", "--max-time", "5"], "\"5\" não é um tempo; escreva"),
    ] {
        let run = em_portugues(words, "").exits(2).complains(told);
        has_no_english(&run.stderr);
        assert!(run.stdout.is_empty());
    }
    em_portugues(&["train"], "").exits(2).complains("Uso: papo train").complains("Comandos:");
}

#[test]
fn errors_are_portuguese_with_the_same_exit_code() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let (empty, arpa, out) = (path("empty"), path("no.arpa"), path("out"));
    std::fs::create_dir(&empty).unwrap();
    std::fs::write(&arpa, "1-grams?\n").unwrap();
    let folder = checkpoint("t5-flan");
    for (words, code, told) in [
        (&["chat", "/no/such/folder"][..], 1, "essa pasta não existe; verifique o caminho"),
        (&["show", "no/such"], 1, "no/such não está no cache: `papo list` mostra o que está"),
        (&["pull", "no/such"], 1, "HF_HUB_OFFLINE impede que o Papo o baixe"),
        (
            &["eval", "gru", "--data", "/no/such.txt"],
            1,
            "não é possível ler /no/such.txt: arquivo ou pasta não encontrado",
        ),
        (
            &["chat", "--num-beams", "0"],
            2,
            "--num-beams 0: `num_beams` tem de ser um número inteiro, 1 ou mais",
        ),
        (
            &["generate", "x", "--penalty-alpha", "1"],
            2,
            "`penalty_alpha` (busca contrastiva) não é uma opção",
        ),
        (
            &["bench", "gru", "--num-beams", "4"],
            2,
            "--num-beams não tem efeito aqui: bench tem uma opção própria",
        ),
        (
            &["chat", "ngram", "--dtype", "int8"],
            2,
            "--dtype int8 não tem efeito num modelo que não tem pesos",
        ),
        (&["generate", &folder, "--num-return-sequences", "3"], 2, "a busca gulosa tem uma só resposta"),
        (&["rm", "transformer"], 1, "transformer é parte do programa"),
        (&["chat", &empty], 1, "não é um modelo que possa ser lido: está vazia; indique uma pasta"),
        (
            &["train", "ngram", "--from-arpa", &arpa, "--out", &out],
            1,
            "o arquivo termina sem uma linha \\data\\",
        ),
        (&["man", "frobnicate"], 2, "papo não tem o comando \"frobnicate\"; há chat"),
    ] {
        let run = em_portugues(words, "").exits(code).complains(told);
        has_no_english(&run.stderr);
    }
}

#[test]
fn remarks_are_portuguese() {
    let folder = checkpoint("t5-flan");
    let words = ["generate", &folder, "--temperature", "0.5", "--max-new-tokens", "2"];
    em_portugues(&words, "{\"text\":\"a\"}\n")
        .exits(0)
        .complains("`temperature` 0.5 não tem efeito sem `do_sample` true.");
}

#[test]
fn a_chat_remarks_in_portuguese_and_its_transcript_is_the_same() {
    let folder = checkpoint("blenderbot-bin");
    let words = ["chat", &folder, "--num-beams", "1", "--max-new-tokens", "8"];
    let input = "/help\n/set num_beams 2\n/show\n/clear\n/stats\nHi\n/stats\n/frobnicate\n/set num_beans 4\n/clear all\nbye\n";
    let (english, portuguese) = (run(&words, input).exits(1), em_portugues(&words, input).exits(1));
    assert_eq!(english.stdout, portuguese.stdout);
    for told in [
        "/set NOME VALOR  muda uma opção de geração",
        "num_beams é 2 daqui em diante.",
        "turnos até aqui: 0\numa resposta tem no máximo 8 tokens\nopções em vigor\n",
        "A conversa foi esquecida.",
        "Ainda não houve resposta.",
        "tokens lidos: ",
        "não existe o comando /frobnicate, e por isso é dito ao modelo",
        "papo: não existe a opção de geração `num_beans` (seria `num_beams`?)",
        "papo: /clear vem sozinho; deixe \"all\" de fora",
    ] {
        assert!(portuguese.stderr.contains(told), "{told}:\n{}", portuguese.stderr);
    }
    has_no_english(&portuguese.stderr);
}

#[test]
fn tables_are_portuguese() {
    for (words, told) in [
        (&["list"][..], "transformer  embutido: só precisa de atenção"),
        (&["show", "seq2seq"], "codificador  1 camada de GRU, largura 192 em cada direção"),
        (&["show", "ngram"], "arranjo      trie, números de 8 bits"),
        (&["show", "transformer"], "\nsuas próprias opções de geração\n"),
        (&["bench", "gru", "--runs", "1", "--new-tokens", "2"], "em 1 execução)"),
        (&["compare", "ngram", "--prompt", "Hi", "--max-new-tokens", "3"], "Todos os prompts"),
    ] {
        let table = em_portugues(words, "").exits(0).stdout;
        assert!(table.contains(told), "{told}:\n{table}");
        has_no_english(&table);
    }
    let table = em_portugues(&["eval", "gru", "--data", "-"], "Hello there!\n").exits(0).stdout;
    assert!(table.contains("texto        1 texto, 2 palavras") && table.contains("por palavra "), "{table}");
}

#[test]
fn a_training_is_told_in_portuguese_and_its_log_is_english() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("text.txt");
    std::fs::write(&data, "to be or not to be\n".repeat(40)).unwrap();
    let (data, out) = (data.to_str().unwrap(), folder.path().join("m"));
    let out = out.to_str().unwrap();
    let words = ["train", "rnn", "--data", data, "--out", out, "--hidden", "8", "--tokenizer", "chars"];
    let told = em_portugues(&[&words[..], &["--max-steps", "2"]].concat(), "").exits(0).stderr;
    for words in [
        "tokens para aprender",
        "perda de validação",
        ", a melhor até aqui",
        "pronto: 2 passos",
        "experimente `papo chat",
    ] {
        assert!(told.contains(words), "{words}:\n{told}");
    }
    let log = std::fs::read_to_string(format!("{out}/training/log.jsonl")).unwrap();
    assert!(log.contains("\"validation_loss\"") && !log.contains("perda"), "{log}");
    let ngram = folder.path().join("n");
    let words = ["train", "ngram", "--data", data, "--out", ngram.to_str().unwrap(), "--order", "2"];
    em_portugues(&words, "").exits(0).complains("2-gramas: ").complains("salvo em ");
}

#[test]
fn what_programs_read_is_the_same_in_both_languages() {
    let folder = checkpoint("t5-flan");
    let cases: [(&[&str], &str); 8] = [
        (
            &["generate", &folder, "--max-new-tokens", "3"],
            "{\"text\":\"a\"}\n{\"text\":5}\n{\"id\":1,\"generation_config\":{\"num_beans\":1},\"text\":\"a\"}\n",
        ),
        (&["tokenize", &folder, "--json"], "Hi\n"),
        (&["tokenize", &folder], "Hi\n"),
        (&["next", &folder, "Hi", "--json"], ""),
        (&["show", "ngram", "--json"], ""),
        (&["list", "--json"], ""),
        (&["completions", "fish"], ""),
        (&["man", "train", "ngram"], ""),
    ];
    for (words, input) in cases {
        let (english, portuguese) = (run(words, input), em_portugues(words, input));
        assert_eq!(english.stdout, portuguese.stdout, "{words:?}");
        assert_eq!(english.code, portuguese.code, "{words:?}");
    }
    let words = ["eval", "gru", "--data", "-", "--json"];
    let keys = |run: Run| run.json_lines()[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(run(&words, "Hi\n")), keys(em_portugues(&words, "Hi\n")));
}

#[test]
fn other_languages_and_none_are_english() {
    let english = run(&["--help"], "").exits(0).stdout;
    for (name, value) in [("LANG", "C"), ("LANG", "de_DE.UTF-8"), ("LC_ALL", "en_US.UTF-8"), ("LANG", "")] {
        let set = |command: &mut Command| {
            command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("LANG").env(name, value);
        };
        assert_eq!(run_with(set, &["--help"], "").exits(0).stdout, english, "{name}={value}");
    }
    let forced = |command: &mut Command| {
        command.env("PAPO_LANG", "pt");
    };
    assert!(run_with(forced, &["--help"], "").exits(0).stdout.contains("Uso: papo"));
    let nonsense = |command: &mut Command| {
        command.env("PAPO_LANG", "tlh");
    };
    run_with(nonsense, &["list"], "").exits(2).complains("PAPO_LANG").complains("en or pt");
}
