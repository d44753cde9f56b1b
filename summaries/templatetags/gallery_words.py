"""What the gallery says in words, as template filters."""

from django import template

from summaries import progress, words

register = template.Library()
register.filter("stage_words", progress.stage_in_words)
register.filter("percent", words.percent)
register.filter("duration", words.duration)
register.filter("plain", words.plain)
register.filter("coverage_word", words.coverage)
register.filter("strength_word", words.strength)
register.filter("coherence_word", words.coherence)
register.filter("hundredths", words.hundredths)
register.filter("p_value", words.p_value)
register.filter("signed", words.signed)
