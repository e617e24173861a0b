"""How people ask without a question mark, and what has one and asks nothing. Alternatives of patterns; data.

English, then German.
"""

from __future__ import annotations

_SOMEBODY = r"(?:any(?:body|one)|some(?:body|one))"
_START = r"(?:^|[.:;,] ?)"

BEGINS = (
    rf"(?:does|do|has|have|is|can|could|would|will|did) {_SOMEBODY}(?: here| else| of you)?"
    r" (?:know|have|tell|help|explain|recommend|suggest|use|tried|seen|think|got|want|lend|give|shed)",
    rf"(?:can|could|would) (?:you|{_SOMEBODY}) (?:please )?(?:tell|help|explain|point|recommend)",
    r"any(?:body|one)(?: here| else)? (?:know|have|got|using|seen|tried|able|interested)",
    r"(?:i(?:'m| am) wondering|i was wondering|i wonder) (?:if|whether|how|what|why|where|who|when|which)",
    r"i(?:'d| would) (?:like|love) to (?:know|ask)",
    rf"{_START}i (?:want|need) to (?:know|ask)",
    r"please (?:advise|help me)",
    r"i (?:don't|do not|can't|cannot|couldn't) (?:know|understand|figure out|find out|see)"
    r" (?:how|why|what|where)",
    r"(?:my|the|a|one|another|quick) questions? (?:is|are|was|about|regarding|for you)",
    r"what(?:'s| is) the (?:best|right|proper|correct|recommended|preferred) way",
    rf"{_START}(?:is|are) there (?:a|an|any|some)\b.{{0,60}}\b"
    r"(?:way|method|means|chance|reason|option|place|who|that can)",
    rf"{_START}(?:how|what|why|where|when) (?:do|does|did|can|could|should|would) (?:i|we|one|you|people)\b",
    r"having (?:some |a |an |a few |big )?(?:trouble|problems?|difficult(?:y|ies))\b",
    r"need (?:some |your |a little |a bit of |any )?(?:help|advice)\b",
    r"any (?:ideas?|suggestions?|hints?|help|advice|pointers?|thoughts|recommendations?)\b",
    r"(?:weiß|weiss|hat|kann|könnte|kennt|würde|war|ist) (?:hier |mir |da |uns |von euch )*"
    r"(?:jemand|wer|einer)\b",
    r"ich (?:frage mich|würde gerne? wissen|möchte gerne? wissen|wüsste gerne?|suche)\b",
    r"(?:meine|eine|noch eine|die) fragen?\b(?: ist| an| zu| lautet|:)",
    r"wer (?:weiß|weiss|kann|kennt|hat|möchte|hätte)\b",
    r"(?:helfen|hilfe) (?:bitte|gesucht)|brauche (?:eure |etwas )?(?:hilfe|rat)\b",
)
SMALL_TALK = (
    r"(?:hi|hello|hey|dear)?[ ,\w]{0,20}\bhow(?: are| is| r|['’](?:s|re))"
    r" (?:you|u|everybody|everyone|y'all|all|it going|things|life)(?: going)?(?: all| doing| today)*",
    r"how do you do",
    r"what'?s up",
    r"you know(?: what)?",
    r"(?:know|see) what i mean",
    r"remember",
    r"(?:all )?(?:right|ok|okay|no|yes|eh|huh|hm+|really|so|well|oh|sorry|what|correct|true)",
    r"who knows|why not",
    r"(?:is|isn't|wasn't|don't|doesn't|can't|won't|aren't) (?:it|that|this|they|you|we|he|she)",
    r"wie geht(?:'?s| es)(?: euch| dir| ihnen)*",
    r"oder(?: nicht)?",
    r"nicht(?: wahr)?",
    r"gell",
    r"was solls?",
)
