"""Sentences of a document that speak to a language model that reads it, and not to people. Pure.

What such a sentence asks for cannot be refused by a small model that is shown it, so it is not shown. They are known
by their wording alone (those that published attacks share: Greshake et al. 2023, arXiv:2302.12173; OWASP Top 10 for LLM
Applications 2025, LLM01 "Prompt Injection"); what is worded otherwise passes, fenced as all else.
"""

import re

from cognition.rag.documents.chunking import sentences_of

__all__ = ["is_order", "without_orders"]

_MODEL = r"(?:ai|assistant|language model|llm|chatbot|persona|chat ?gpt|gpt)s?"
_RULES = r"(?:instruction|prompt|rule|directive|guideline|guardrail|command|restriction|safety|programming|training)s?"
_PATTERNS = re.compile(
    "|".join(
        (
            # To set aside what was said before.
            rf"\b(?:ignore|disregard|forget|override|bypass|discard)\b[^.!?]{{0,30}}\b(?:previous|prior|above|preceding|"
            rf"earlier|all|any|your|these|those|system|other|initial|original)\b[^.!?]{{0,20}}\b{_RULES}\b",
            r"\b(?:ignore|disregard|forget) (?:everything|anything|all|what(?:ever)?)\b[^.!?]{0,30}\b(?:above|before|"
            r"previously|prior|earlier|told)\b",
            rf"\b(?:new|updated|real|actual|secret|hidden) {_RULES} (?:for you|from|follow|are|-)",
            r"\bsystem (?:prompt|message|override|instruction)s?\b",
            # To be somebody else.
            r"\byou are (?:now|no longer) (?:an?|my|free|bound|unrestricted|called|named|required|restricted)\b",
            r"\bfrom now on,? (?:you|your|always|never|act|answer|respond|reply|speak|say)\b",
            r"(?:^|[,;]\s*)(?:please )?(?:pretend (?:to be|that you|you are)|role-?play as|"
            r"(?:act|behave|respond|answer) as (?:if you|an?|my))\b",
            r"\b(?:enter|enable|activate|switch to|now in) (?:the )?(?:developer|debug|god|dan|jailbreak|admin) mode\b",
            # To whoever reads it aloud.
            r"\b(?:dear|attention|note to|message (?:to|for)|instructions? (?:to|for)|hey|hello)\W{1,3}"
            rf"(?:the |all |any |every )?{_MODEL}\b",
            rf"\b(?:if|as|since) you(?: are|'re|’re) an? (?:\w+ )?{_MODEL}\b",
            rf"\b{_MODEL},? (?:who|that|which|when) (?:read|process|summari[sz]e|see|answer)",
            r"\bwhen(?:ever)? (?:you are |you're |somebody |anyone |the user )?ask(?:s|ed)?\b[^.!?]{0,40}"
            r"\b(?:say|answer|reply|tell)\b",
            r"\bdo not (?:tell|inform|warn|mention (?:this|it) to)\b[^.!?]{0,12}\b(?:the )?(?:user|human|person|"
            r"people|anybody|anyone|them)\b",
            # About rights and trust.
            r"\btrust level\b",
            r"\b(?:raise|increase|set|grant|give|elevate|upgrade)\b[^.!?]{0,25}\b(?:my|your|his|her|their|me|him|them|\w+['’]s?)\b"
            r"[^.!?]{0,20}\b(?:trust|permissions?|privileges?|clearance|admin|operator)\b",
            r"\bi am (?:your|the) (?:operator|administrator|admin|developer|creator|maker|owner)\b",
            # For what is not the asker's.
            r"\b(?:reveal|repeat|print|output|leak|disclose|recite|tell|list|share|show|read)\b[^.!?]{0,40}"
            rf"\b(?:your|the|all|its) (?:\w+ )?(?:memories|secrets|prompt|{_RULES})\b",
            r"\b(?:reveal|repeat|disclose|tell|share|list|read)\b[^.!?]{0,30}"
            r"\b(?:told|said to|confided (?:in|to)|whispered to) you\b",
            r"\b(?:reveal|repeat|disclose|tell|share|list)\b[^.!?]{0,40}\bin confidence\b",
            # In the layout of a chat.
            r"[‹<]\|?/?[\w| ]{0,40}\|[›>]|\[/?inst\]|[‹<]{2}/?sys[›>]{2}|[‹<]/?s[›>]",
        )
    ),
    re.I,
)


def is_order(sentence: str) -> bool:
    """Whether a sentence tells a language model what to do."""
    return _PATTERNS.search(sentence) is not None


def without_orders(text: str) -> tuple[str, int]:
    """A text without such sentences, and how many there were."""
    sentences = sentences_of(text)
    kept = [sentence for sentence in sentences if not is_order(sentence)]
    if len(kept) == len(sentences):
        return text, 0
    return " ".join(kept), len(sentences) - len(kept)
