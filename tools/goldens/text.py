"""The small text that the tiny tokenizers are trained on, and the odd lines that every tokenizer must survive.

Written for this project. English and Portuguese, so that accents get pieces of their own in some tokenizers and fall
back to bytes or to `<unk>` in others. Read next: `tiny_tokenizers.py`.
"""

SENTENCES = """
Hello, how are you today? I am fine, thank you, and you?
The weather is nice this morning, so we walk along the river.
My sister reads a book about the sea while my brother cooks dinner.
What do you like to eat? I like bread, cheese and a little soup.
He said that the train was late again, and that he would not wait.
We are going to the market to buy apples, oranges and some flowers.
Do you have any plans for the weekend? Not yet, but I would love to rest.
She plays the guitar in a small band with three of her friends.
The cat sleeps on the chair near the window, and the dog under the table.
It is never too late to learn how to swim or how to sing.
Olá, tudo bem? Tudo ótimo, e você? Também estou bem, obrigado.
O tempo está bom hoje, então vamos passear na praia com as crianças.
Minha irmã lê um livro sobre o mar enquanto meu irmão faz o jantar.
Não sei se ele vem amanhã, mas a reunião já está marcada.
O coração da cidade é a praça, onde há música aos domingos.
Você gosta de café com leite ou prefere um chá de manhã?
A questão é saber quando a estação começa e quando ela termina.
Eles chegaram cedo, compraram pão e foram para a estação de trem.
Numbers such as 1, 22, 333 and 2024 are written with digits.
Good night, see you tomorrow! Boa noite, até amanhã!
""".strip().split("\n")

ODD_LINES = [
    "", " ", "  ", "\t", "\n", "\r\n", "a", " a", "a ", "  a  ", "hello", " hello", "  hello", "hello  world", "hello \t world",
    "hello\nworld", "hello\n\nworld\n", "\thello", "Hello, how are you today?", " Sam", "Sam", "I'm sure we'll don't can't they've",
    "Olá, tudo bem? Não, coração; ação e você: à, é, í, ó, ú.", "São Paulo e a praça são nossas.", "cafe\u0301 com leite, a\u0303o",
    "😀", "hi 😀😀 there", "👨‍👩‍👧‍👦 family", "🇧🇷 Brasil 🇵🇹", "❤️ ok", "日本語のテキスト", "Привет, как дела?", "مرحبا بالعالم", "한국어 文字",
    "</s>", "hello </s> world", "</s></s>", "<s>hello</s>", "<pad>", "a<pad>b", "<unk>", "x <unk> y", "<mask>", "the <mask> is", "the<mask>is",
    "<extra_id_0>", "a <extra_id_0> b <extra_id_1> c", "<extra_id_99>x", "< s >", "</ s>", "<S>", "<bos>", "{\"key\": [1, 2]}", "a{b}c\\d",
    "\u00a0non\u00a0breaking\u00a0", "\u3000wide\u3000", "zero\u200bwidth\u200d", "\u0000nul", "bell\u0007 and esc\u001b[0m", "\ufeffbom", "\ufffd", "soft\u00adhyphen",
    "ﬁne ﬂow", "Ｆｕｌｌ ｗｉｄｔｈ", "…—–“quotes”‘x’", "1234567890 3.14159 1,000,000", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "word" * 40, "!!!???...,,,", "A B C D E", "ALL CAPS LINE", "mIxEd CaSe", "http://example.org/a?b=c&d=e#f", "user@example.org", "a_b__c___d", "line with trailing spaces   ",
    "▁ lower one eighth block", "▁▁", "a▁b", "Ġ byte marker Ċ", "tab\tseparated\tvalues", "\u2028line\u2029separators", "x\u0301\u0302\u0303y",
]
