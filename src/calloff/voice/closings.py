"""What a callee hears when an application cannot go on."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "en": "We are sorry, this call cannot go on because of a technical problem. Goodbye.",
    "ar": "نأسف، لا يمكن متابعة هذه المكالمة بسبب مشكلة تقنية. مع السلامة.",
    "cs": "Omlouváme se, hovor nemůže z technických důvodů pokračovat. Na shledanou.",
    "da": "Vi beklager, opkaldet kan ikke fortsætte på grund af en teknisk fejl. Farvel.",
    "de": "Es tut uns leid, wegen einer technischen Störung endet dieser Anruf hier. Auf Wiederhören.",
    "el": "Λυπούμαστε, η κλήση δεν μπορεί να συνεχιστεί λόγω τεχνικού προβλήματος. Αντίο σας.",  # noqa: RUF001
    "es": "Lo sentimos, esta llamada no puede continuar por un problema técnico. Adiós.",
    "fi": "Pahoittelemme, puhelu ei voi jatkua teknisen vian vuoksi. Näkemiin.",
    "fr": "Nous sommes désolés, cet appel ne peut pas continuer à cause d'un problème technique. Au revoir.",
    "hi": "हमें खेद है, तकनीकी समस्या के कारण यह कॉल आगे नहीं बढ़ सकती। नमस्ते।",
    "hu": "Elnézést kérünk, a hívás műszaki hiba miatt nem folytatható. Viszonthallásra.",
    "it": "Siamo spiacenti, la chiamata non può continuare per un problema tecnico. Arrivederci.",
    "nb": "Vi beklager, samtalen kan ikke fortsette på grunn av en teknisk feil. Ha det.",
    "nl": "Het spijt ons, dit gesprek kan door een technische storing niet doorgaan. Tot ziens.",
    "pl": "Przepraszamy, z powodu problemu technicznego nie możemy kontynuować połączenia. Do usłyszenia.",
    "pt": "Lamentamos, esta chamada não pode continuar devido a um problema técnico. Até logo.",
    "ro": "Ne pare rău, apelul nu poate continua din cauza unei probleme tehnice. La revedere.",
    "ru": "Извините, звонок не может быть продолжен из-за технической неполадки. До свидания.",
    "sv": "Tyvärr kan samtalet inte fortsätta på grund av ett tekniskt fel. Hej då.",
    "tr": "Özür dileriz, teknik bir sorun nedeniyle bu görüşme devam edemiyor. Hoşça kalın.",  # noqa: RUF001
    "uk": "Вибачте, дзвінок не може бути продовжено через технічну несправність. До побачення.",
}


def closing(language: str, own: Mapping[str, str]) -> tuple[str, str]:
    """The sentence for a language, and the language that it is in: the deployment's own, ours, or English."""
    primary = language.partition("-")[0].lower()
    primary = "nb" if primary in ("no", "nn") else primary
    for sentences in (own, SENTENCES):
        for name in (language, primary):
            if name in sentences:
                return sentences[name], language
    return own.get("en") or SENTENCES["en"], "en-US"
