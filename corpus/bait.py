"""What in a text is said to a language model, not to a reader: "ignore all instructions", role tags, calls of tools.

Documents are for people. Where one speaks to a model, somebody may want the model to speak for them: its record says so
(the flag `instructions`), and such a passage bears out no sentence of an answer (`search/answer.py`). This recognises
what is usual, in English, German, French, Spanish, Italian, Japanese and Chinese, and no more: another wording passes.
What protects an answer is that each of its sentences is verified.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

FLAG = "instructions"
_TAG_LETTERS = re.compile("[\U000e0020-\U000e007e]+")
"""Letters that nobody sees and models read."""
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_MARKUP = re.compile(r"</?[a-z][^<>|]{0,2000}>|<!--|-->", re.IGNORECASE)
_JOINED = re.compile(r"[\W_]+")
_PARAGRAPH = re.compile(r"\n\s*\n")

_MODEL = r"(?:an? )?(?:ai|llm|(?:large )?language model|(?:ai |virtual )?assistant|chat ?bot)s?"
_MACHINE = (
    r"(?:ai|llm|(?:large )?language model|chat ?bot"
    r"|(?:ai|digital|virtual|automated) (?:assistant|agent|concierge|reader|answer)"
    r"|virtuelle\w* assistent\w*|ki(?:-assistent\w*|-agent\w*|-modell\w*)?|sprachmodell\w*"
    r"|ia|assistant virtuel|modèle de langage|asistente virtual|modelo de lenguaje"
    r"|assistente virtuale|modelli linguistici)"
    r"(?: agent| system| model)?s?"
)
"""A machine and nobody else: assistants and concierges are people too."""
_GAP = r"[^.!?。\n]{0,40}?"
_WIDE = r"[^.!?。\n]{0,60}?"
_RULES = (
    # to forget what it was told
    (
        rf"\b(?:ignore|disregard|forget|override|bypass|set aside|stop following"
        rf"|disobey|no attention to|n[o'’]t follow)\b{_GAP}"
        rf"\b(?:above|previous|prior|preceding|earlier|foregoing|existing|your|system|other)\b{_GAP}"
        r"\b(?:instruction|prompt|direction|guideline|rule|order|command|context|evidence|constraint|safeguard)s?\b"
    ),
    r"\b(?:ignore|disregard|forget)\b (?:all |any )?(?:instruction|prompt)s?\b",
    (
        r"\b(?:ignore|disregard|forget) (?:(?:all|everything|anything) )?(?:of |that (?:was|is) |you were told )?"
        r"(?:written |said )?(?:the )?(?:above|before(?: this)?)(?: text)?(?: and\b|[,;.:!])"
    ),
    (
        rf"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missachte\w*)\b(?! nicht){_GAP}"
        rf"\b(?:alle|vorherig|vorig|obig|bisherig|früher|deine|ihre)\w{{0,2}}"
        rf"\b{_GAP}\b(?:anweisung|instruktion|befehl|vorgabe|regel|prompt)\w*"
    ),
    r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie)\b (?:sie )?(?:alles|das) (?:obige|vorige|vorherige|bisherige)",
    (
        rf"\b(?:ignore[rz]?|oublie[rz]?|(?:ne )?ten(?:ez|ir) pas compte|tiens pas compte)\b{_GAP}"
        rf"\b(?:instruction|consigne|directive|ordre)s?\b{_GAP}\b(?:précèd|précéd|ci-dessus|antérieur|reçu|système)"
    ),
    r"\b(?:ignore[rz]?|oublie[rz]?)\b (?:tout )?ce qui précède",
    (
        rf"\b(?:ignor[ae]n?|olvid[ae]n?|omit[ae]n?|caso omiso)\b{_GAP}\b(?:instrucciones|indicaciones|órdenes)\b"
        rf"{_GAP}\b(?:anteriores|previas|precedentes|recibidas|del sistema)\b"
    ),
    (
        rf"\b(?:ignor[ae]n?|olvid[ae]n?|omit[ae]n?|caso omiso)\b{_GAP}\b(?:tus|sus|todas las|estas) "
        r"(?:instrucciones|indicaciones|órdenes)\b"
    ),
    rf"\b(?:ignora|ignorate|dimentica|dimenticate)\b{_GAP}\b(?:istruzioni|indicazioni)\b",
    (
        "(?:上記|上の|以上|これまで|以前|前の|先の|すべて|全て|全ての|今まで)[^。\n]{0,15}"
        "(?:指示|命令|プロンプト|指令)[^。\n]{0,10}(?:無視|忘れ|従わ|破棄)"
    ),
    "(?:忽略|无视|無視|忘记|忘掉|不要理会)[^。\n]{0,12}(?:指令|指示|提示词|提示|命令)",
    (
        r"\b(?:no attention to|set aside|disregard|forget|ignore) (?:what|whatever"
        r"|everything|all) you (?:were|have been|are) told"
    ),
    rf"\b(?:beachte\w*|befolge\w*)\b{_GAP}\b(?:anweisung|instruktion|befehl)\w*(?: \w+)? nicht\b",
    rf"\bno (?:sigas|siga|obedezcas)\b{_GAP}\b(?:instrucciones|indicaciones)\b",
    # what it was told, and how it is told
    r"\byour (?:hidden|secret|initial|original|system|internal) (?:instruction|prompt|rule)s?\b",
    "システムプロンプト(?:を|の)",
    (
        rf"\b(?:reveal|print|repeat|output|leak|override|disclose)\b{_GAP}"
        r"\b(?:system prompt|system message|initial prompt)"
    ),
    r"(?:^|[\n.>\]|:] ?)(?:new |updated |begin )?system (?:prompt|message|override|instructions?) ?[:=>\]]",
    r"\bsystem ?: ?(?:you|ignore|the assistant|from now|new (?:policy|rule|task)|override)\b",
    r"\bnew instructions? (?:for (?:the )?(?:ai|assistant|model)|from (?:the )?(?:system|developer|administrator))\b",
    r"\byour (?:new|only|real|true|actual) (?:task|instructions?|goal|objective|job|mission|purpose) (?:is|are)\b",
    (
        r"<\|/?(?:im_(?:start|end|sep)|system|user|assistant|endoftext|endofprompt|eot_id|begin_of_text|start_header_id"
        r"|end_header_id|tool_call)\|>"
    ),
    (
        r"\[/?inst\]|<</?sys>>|</?evidence(?:-\w{1,64})?(?: n=\d+)?>|</?(?:system|assistant|system[-_]prompt"
        r"|tool_calls?|function_calls?|tool_response|instructions)>|<invoke name=|#{2,} ?(?:system|instruction)s?:"
    ),
    # to call something
    (
        r"\"(?:tool|tool_calls?|tool_name|function|function_call|name|recipient_name)\" ?: ?[\"{\[]"
        r"[^\n]{0,120}\"(?:arguments|parameters|tool_input)\" ?: ?(?:\{ ?\"|\"\{)"
    ),
    r"\b(?:call|invoke|use) (?:the )?[`\"']?\w{1,40}_\w{1,40}[`\"']? (?:tool|function)\b",
    # who it is
    (
        rf"\byou are now {_GAP}\b(?:ai|assistant|bot|chatbot|model|agent|dan|(?:developer|debug|admin|maintenance"
        r"|unrestricted|jailbreak) mode|unrestricted|administrator|no longer bound|free (?:of|from) (?:all|any|your))\b"
    ),
    (
        r"\bfrom now on,? you (?:are|will|must|shall|only|always) "
        r"(?:an?|the|no longer|only|answer|respond|reply|say|obey)\b"
    ),
    r"\bas an ai(?:[,;:]| (?:language |chat )?(?:model|assistant)\b)(?!,? i\b)|\bas a (?:large )?language model\b",
    rf"\b(?:if|since|because) you(?: are|['’]re) {_MODEL}\b(?! (?:developer|engineer|company))",
    rf"\b(?:note|message|attention|notice|order|instruction)s? (?:to|for) (?:the |all |any )?{_MODEL}\b(?! \w)",
    rf"\b(?:hinweis|nachricht|anweisung|mitteilung)\w* (?:an|für) (?:die |das |den |alle )?{_MACHINE}\b(?! \w)",
    rf"\battention,? {_MODEL}:",
    (
        rf"\b(?:the |any |every |all )?{_MODEL} (?:that (?:is |are )?)?"
        r"(?:reads?|reading|processing|summari[sz]ing|answering) (?:from )?(?:this|these)\b"
    ),
    rf"\bdu bist (?:jetzt|nun|ab sofort|ab jetzt)\b{_GAP}\b(?:assistent|ki|bot|chatbot|modell|modus|administrator)\b",
    r"\bals (?:ki|ki-(?:assistent|modell)|sprachmodell)\b[ ,]{1,2}(?:musst|sollst|sag|antworte|gib|schreib|bist)",
    rf"\b(?:tu es|vous êtes) (?:maintenant|désormais)\b{_GAP}\b(?:assistant|ia|modèle|robot|administrateur)\b",
    r"\ben tant qu(?:e |['’])(?:ia|assistant|modèle de langage|intelligence artificielle)\b",
    rf"\b(?:ahora eres|eres ahora|a partir de ahora eres)\b{_GAP}\b(?:asistente|ia|modelo|robot|administrador)\b",
    r"\bcomo (?:una )?(?:ia|inteligencia artificial|modelo de lenguaje)\b",
    "あなたは(?:今から|これから|今や|もはや|今後)|aiアシスタントへ|ai(?:モデル)?として[、,]|你现在是",
    (
        rf"\b(?:pretend|imagine|act as|behave as)\b (?:that |if |though )?you"
        rf"\b{_GAP}\b(?:rule|restriction|limit|filter|guideline)s?\b"
    ),
    (
        r"(?:^|[.!?] |\n)(?:dear |hello |hey )?"
        r"(?:(?:assistant|ai)[,!] |(?:language models?|llms?|ai (?:assistant|agent)s?|chatgpt)[,:!] )"
    ),
    rf"\b(?:dear|liebe[rs]?|ch[eè]re?|querid[ao]|car[oa]) {_MACHINE}[,!]",
    r"(?:^|[.!?] |\n)ki-(?:assistent\w*|agent\w*|modelle?): ",
    r"(?:^|[.!?] |\n)assistant,? (?:please )?(?:ignore|disregard|forget|reply|answer|respond|say)\b",
    "あなたは[^。\n]{0,15}。?[^。\n]{0,5}制限(?:は|が|の)(?:ありません|ない|なし)",
    # what it has to say, whatever it is asked
    (
        rf"\b{_MACHINE}\b{_WIDE}\b(?:must|shall|ha(?:s|ve) to|(?:is|are) (?:required |asked |told )?to)\b{_GAP}"
        r"\b(?:answer|begin|end|include|mention|output|print|recommend|reply|respond|say|state|tell|write)\b"
    ),
    (
        rf"\b{_MACHINE}\b{_WIDE}\b(?:hat|haben|muss|müssen)\b{_GAP}"
        r"\b(?:antworten|beginnen|sagen|schreiben|nennen)\b"
    ),
    (
        rf"\b{_MACHINE}\b{_WIDE}\b(?:doit|doivent|debe|deben|deve|devono)\b{_GAP}"
        r"\b(?:répondre|dire|contestar|responder|rispondere|scrivere)\b"
    ),
    rf"\b(?:ignore|disregard)\b{_GAP}\b(?:visible|displayed|shown) (?:text|page|content|document)\b",
    rf"\b(?:vergiss|ignoriere)\b (?:alles|den rest)\b{_GAP}\b(?:antworte|sag|sage|schreib|schreibe|gib)\b",
    r"\bantworte (?:ausschließlich|nur|immer|stets|einzig) (?:mit\b|noch\b|\w+-?\d)",
    rf"\basks?(?:ed)?\b{_GAP}[, ](?:reply|answer|respond|say) (?:only )?that\b",
    rf"\bauf fragen\b{_WIDE}\b(?:ist|sind) zu antworten, dass\b",
    "とだけ[^。\n]{0,4}(?:返答|回答|答え|出力|返信)",
    r"\bdans (?:chacune de |toutes )(?:vos|tes) réponses\b",
    (
        rf"\b(?:include|add|append|insert|mention)\b{_GAP}"
        r"\b(?:in|to) (?:each|every|all|any)(?: of)? (?:your )?(?:answer|response|reply|replies)"
    ),
    (
        r"\b(?:complete|finish|precede) (?:each |every |all |any )?(?:of )?(?:your )?"
        rf"(?:answer|response|reply)s?\b{_GAP}\b(?:always|must)\b"
    ),
    r"\bfrom (?:here|now|this point) on,? you (?:act|speak|answer|behave) as\b",
    # words of a system, of a tool, of the end of what was found
    (
        r"(?:[#\[【=*]{1,3} ?)(?:system(?:nachricht|meldung|anweisung| message| notice)?|message (?:du |de )?système"
        r"|mensaje del sistema|messaggio di sistema|システム(?:メッセージ|指示|通知))(?: ?[#\]】=*]{1,3})"
    ),
    r"\"role\" ?: ?\"(?:system|developer)\" ?, ?\"content\" ?: ?\"[^\"\n]{0,200}?\b(?:reply|answer|respond|say|you)\b",
    r"\b(?:tool|function)[ _](?:result|output|response) ?\(\w{1,60}\) ?:",
    r"\b(?:source|context|evidence|excerpt)s? (?:stop|end)s? here\b",
    r"\buser['’]s (?:true|real|actual) (?:question|request)\b",
    r"\b(?:decode|decipher) (?:this|the following)\b[^.!?\n]{0,40}?\b(?:do|follow|execute|obey) what\b",
    # what it must keep to itself
    (
        rf"\b(?:do not|don['’]t|never) (?:mention|quote|cite|reveal|repeat)\b{_GAP}"
        rf"\byour (?:answer|response|reply|summary|output)\b"
    ),
    (
        r"\b(?:begin|start|end|finish) (?:each|every|your|all) (?:of your )?"
        r"(?:answer|response|reply|output|summary)s? with\b"
    ),
    (
        rf"\b(?:do not|don['’]t|never) (?:tell|inform|alert|notify|warn|reveal|disclose|mention|let)\b{_GAP}"
        r"\b(?:the|this) (?:user|human|asker|person asking)s?\b"
    ),
    (
        rf"\b(?:sag|sage|sagen sie|verrate|verraten sie|teile|teilen sie|erzähl\w*)\b{_GAP}"
        r"\b(?:dem|der|den) (?:be)?nutzer(?:in|innen|n)?\b[^.!?\n]{0,20}?\b(?:nicht|nichts)\b"
    ),
    (
        rf"\bn(?:e |['’])(?:en |le )?(?:dis|dites|parle[sz]?|révèle[sz]?|révélez"
        rf"|informe[sz]?|mentionne[sz]?)\b{_GAP}\bl['’]utilisateur\b"
    ),
    rf"\bno (?:le )?(?:digas|diga|reveles|menciones|informes)\b{_GAP}\b(?:al|el) usuario\b",
    "ユーザー(?:に|には)[^。\n]{0,15}(?:教え|言わ|伝え|知らせ|明かさ)(?:な|ず)",
)
_BAIT = tuple(re.compile(rule) for rule in _RULES)
_ALIKE = str.maketrans("аеорсухіјѕԁһӏοανικτρε", "aeopcyxijsdhloaviktpe")
"""Cyrillic and Greek letters that look like Latin ones, after folding."""
_MIXED = re.compile(r"\b(?=\w{0,40}[a-z])(?=\w{0,40}[а-яёѕіјԁһӏα-ω])[^\W\d_]{2,40}\b")
_FIGURED = re.compile(r"\b(?=[a-z0-9]{0,20}[a-z])(?=[a-z0-9]{0,20}[013457])[a-z0-9]{4,20}\b")
_UNFIGURED = str.maketrans("013457", "oieast")
_TOLD = re.compile(
    "all|answer|assistant|disregard|forget|ignore|instructions?|message|obey|override|previous|prior|prompts?|reply"
    "|respond|rules?|system|your"
)
"""Words of an order, where figures stand for letters; anything else with figures in it is a name of something."""
_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,4000}={0,2}")
_MOST_ENCODED = 200


def addressed(text: str) -> bool:
    """Whether something in a text is said to a model, whatever the letters it is written in.

    Full-width, invisible and "tag" letters count as plain ones, and so do those of other alphabets and figures that
    look like them, and what is written in base64.
    """
    return _speaks(text) or any(map(_speaks, _decoded(text)))


def _speaks(text: str) -> bool:
    plain = _plain(text)
    return any(rule.search(plain) for rule in _BAIT)


def _decoded(text: str) -> Iterator[str]:
    """The texts that stand in a text in base64."""
    for found in islice(_ENCODED.finditer(text), _MOST_ENCODED):
        with suppress(ValueError):
            bare = found[0].rstrip("=")
            yield base64.b64decode(bare[: len(bare) // 4 * 4]).decode()


def addressed_in_name(name: str) -> bool:
    """Whether a file's name or a title speaks to a model, with or without blanks between its words."""
    return addressed(name) or addressed(_JOINED.sub(" ", name))


def addressed_in_markup(source: str) -> bool:
    """Whether HTML speaks to a model where no reader sees it: in what it hides, and in its comments."""
    return addressed(html.unescape(_MARKUP.sub(" ", source)))


def _plain(text: str) -> str:
    """The text as the rules see it: lower case, composed, each paragraph in one line."""
    if not text.isascii():
        shown = _TAG_LETTERS.sub(lambda run: " " + "".join(chr(ord(one) - 0xE0000) for one in run[0]), text)
        text = unicodedata.normalize("NFKC", _UNSEEN.sub("", shown))
    lower = text.lower()
    if not lower.isascii():
        lower = _MIXED.sub(lambda word: word[0].translate(_ALIKE), lower)
    lower = _FIGURED.sub(_unfigured, lower)
    return "\n".join(" ".join(paragraph.split()) for paragraph in _PARAGRAPH.split(lower))


def _unfigured(word: re.Match[str]) -> str:
    """A word with letters for the figures that look like them, if that is a word of an order."""
    letters = word[0].translate(_UNFIGURED)
    return letters if _TOLD.fullmatch(letters) else word[0]
