from study.agreement import NO_ANSWERS, NO_NAMES, name_agreement


def test_name_agreement_is_the_share_of_all_answers_that_give_the_modal_name():
    given = (
        [("name", "wing")] * 5
        + [("name", "feather")] * 2
        + [("nothing_in_common", ""), ("cannot_tell", "")]
        + [("cannot_tell", "")]
    )
    agreement = name_agreement(given)
    assert (agreement.modal_names, agreement.modal_count, agreement.share) == (("wing",), 5, 0.5)
    assert (agreement.answers, agreement.named, agreement.distinct) == (10, 7, 2)
    assert (agreement.nothing_in_common, agreement.cannot_tell) == (0.1, 0.2)
    assert not agreement.tied and agreement.reason == ""


def test_names_that_tie_are_all_said():
    agreement = name_agreement(
        [("name", "wing"), ("name", "beak"), ("name", "beak"), ("name", "wing"), ("name", "x")]
    )
    assert agreement.modal_names == ("beak", "wing") and agreement.tied
    assert (agreement.modal_count, agreement.share) == (2, 0.4)


def test_without_answers_nothing_is_defined_and_the_reason_is_said():
    agreement = name_agreement([])
    assert agreement.share is agreement.nothing_in_common is agreement.cannot_tell is None
    assert agreement.reason == NO_ANSWERS and agreement.modal_names == ()


def test_without_names_the_agreement_is_undefined_but_the_other_shares_are_not():
    agreement = name_agreement([("nothing_in_common", ""), ("cannot_tell", "")])
    assert agreement.share is None and agreement.reason == NO_NAMES
    assert (agreement.nothing_in_common, agreement.cannot_tell) == (0.5, 0.5)
