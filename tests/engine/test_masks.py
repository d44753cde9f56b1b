from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.nn import functional

from summaries.engine import Refusal
from summaries.engine.creature_net import CreatureNet
from summaries.engine.images import blur, resize_square, to_tensor
from summaries.engine.networks import Classifier, build, fingerprint, fit_state, load_state
from summaries.engine.preprocessing import Preprocessing, parse_preprocessing
from summaries.engine.visual import masks, two_stage
from tests.shared_data import SHARED, needs_shared

CPU = torch.device("cpu")
AS_IT_IS = Preprocessing(112, None, (0.0,) * 3, (1.0,) * 3)
SQUARE = (slice(36, 76), slice(40, 80))


class SquareSense(nn.Module):
    """Sure of class 1 as long as one square holds high frequencies: sigmoid of their energy there."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images):
        grey = images.mean(1, keepdim=True)
        rough = grey - functional.avg_pool2d(grey, 5, stride=1, padding=2)
        energy = rough[:, 0, SQUARE[0], SQUARE[1]].pow(2).mean((1, 2))
        logit = 400.0 * energy - 8.0
        return torch.stack([torch.zeros_like(logit), logit], 1) + self.weight * 0


def make_textures(count: int, side: int = 112) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def make_creatures(side: int = 64) -> Classifier:
    torch.manual_seed(0)
    preprocessing = Preprocessing(side, None, (0.5,) * 3, (0.25,) * 3)
    return Classifier(CreatureNet(8), preprocessing, CPU)


def shorten(params: masks.MaskParams, smooth: int, crisp: int) -> masks.MaskParams:
    return replace(
        params,
        smooth=replace(params.smooth, iterations=smooth),
        crisp=replace(params.crisp, iterations=crisp),
    )


@pytest.mark.parametrize("arithmetic", masks.ARITHMETICS)
def test_the_textured_square_that_alone_decides_is_found_and_crisp(arithmetic):
    classifier = Classifier(SquareSense(), AS_IT_IS, CPU)
    found = masks.find_masks(
        classifier, make_textures(1), torch.tensor([1]), params=masks.MaskParams(arithmetic=arithmetic)
    )
    truth = np.zeros((112, 112), bool)
    truth[SQUARE] = True
    for mask in (found.smooth[0] > 128, found.crisp[0] > 128):
        assert (mask & truth).sum() / (mask | truth).sum() > 0.7
    kept = 1 - found.crisp[0] / 255.0
    assert 1 - 4 * (kept * (1 - kept)).mean() > 0.95
    assert found.p[0] > 0.9 and found.p_crisp[0] < 0.05 and found.p_masked[0] < 0.05
    assert found.area[0] == pytest.approx((found.crisp[0] > 128).mean())
    assert found.passes.tolist() == [450] and found.losses.shape == (1, 45, 5)


def test_the_first_versions_weights_mask_more_than_todays():
    classifier = Classifier(SquareSense(), AS_IT_IS, CPU)
    ask = (classifier, make_textures(1), torch.tensor([1]))
    today = masks.find_masks(*ask, params=masks.MaskParams(arithmetic="lean"), batch_size=1)
    then = masks.find_masks(*ask, params=replace(masks.FIRST_VERSION, arithmetic="lean"), batch_size=1)
    assert then.area[0] > today.area[0]


def test_the_sparsity_term_drives_undecided_pixels_to_the_nearer_end():
    mask = torch.tensor([0.4, 0.6]).view(1, 1, 1, 2).repeat(1, 1, 2, 1).requires_grad_()
    stage = masks.Stage(iterations=1, l1=0.0, tv=0.0, sparsity=2.0)
    (gradient,) = torch.autograd.grad(sum(two_stage.regularise(mask, stage)).sum(), mask)
    assert (gradient[..., 0] > 0).all() and (gradient[..., 1] < 0).all()


def test_regularisers_are_means_over_the_mask_and_its_neighbouring_pairs():
    mask = torch.tensor([[1.0, 0.5, 0.0], [1.0, 1.0, 0.5]]).view(1, 1, 2, 3)
    l1, tv, sparsity = two_stage.regularise(mask, masks.Stage(iterations=1, l1=1.0, tv=1.0, sparsity=1.0))
    assert l1.item() == pytest.approx((0.5 + 1 + 0.5) / 6)
    assert tv.item() == pytest.approx((0.125 + 0.125) / 3 + (0.125 * 3) / 4)
    assert sparsity.item() == pytest.approx(0.5 / 6)


@pytest.mark.parametrize("build_render", [two_stage.render_literally, two_stage.render_lean])
def test_the_blur_acts_forward_as_scipys_and_lets_gradients_pass_straight_through(build_render):
    grid = torch.rand(1, 1, 14, 14, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.rand(1, 1, 112, 112, generator=torch.Generator().manual_seed(2))
    sharp = functional.interpolate(grid, size=(112, 112), mode="bilinear", align_corners=True)
    soft = build_render(112, 5.0, grid.detach())(grid)
    expected = gaussian_filter(sharp.detach().numpy()[0, 0], 5)
    np.testing.assert_allclose(soft.detach().numpy()[0, 0], expected, atol=1e-6)
    (with_blur,) = torch.autograd.grad((soft * weight).sum(), grid, retain_graph=True)
    (without,) = torch.autograd.grad((sharp * weight).sum(), grid)
    torch.testing.assert_close(with_blur, without, rtol=1e-5, atol=1e-5)


def test_the_disc_reaches_half_the_side_around_the_middle_pixel():
    disc = two_stage.disc(28)
    assert disc.shape == (28, 28) and disc[14, 14] == 0 and disc[14, 0] == 0 and disc[0, 0] == 1
    assert float(1 - disc.mean()) == pytest.approx(0.7793367)


def test_a_stored_mask_is_shifted_to_zero_and_divided_by_its_maximum():
    mask = torch.tensor([0.2, 0.5, 0.8, 0.8]).view(1, 1, 2, 2)
    assert two_stage.store(mask).flatten().tolist() == [255, 159, 63, 63]
    assert two_stage.store(torch.zeros(1, 1, 2, 2)).flatten().tolist() == [255] * 4


@pytest.mark.parametrize("arithmetic", masks.ARITHMETICS)
def test_an_image_gets_the_same_mask_alone_and_in_company(arithmetic):
    classifier, images = make_creatures(), make_textures(5, 64)
    classes = torch.tensor([0, 3, 5, 7, 1])
    params = shorten(masks.MaskParams(arithmetic=arithmetic), 40, 20)
    together = masks.find_masks(classifier, images, classes, params=params)
    for i in (0, 3, 4):
        alone = masks.find_masks(classifier, images[i : i + 1], classes[i : i + 1], params=params)
        np.testing.assert_allclose(together.losses[i], alone.losses[0], atol=1e-4)
        for name in ("p", "p_blurred", "p_smooth", "p_crisp", "p_masked", "area"):
            assert getattr(together, name)[i] == pytest.approx(getattr(alone, name)[0], abs=1e-4)
        assert np.abs(together.crisp[i].astype(int) - alone.crisp[0]).max() <= 1


@needs_shared
@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_0"])
def test_a_real_network_gives_an_image_the_same_mask_alone_and_in_company(name):
    classifier = read_classifier(name)
    images = torch.stack([read_picture(f"images_1perclass/{file}", classifier) for file in FEW])
    classes = classifier.logits(images).argmax(1)
    options = {"params": shorten(masks.MaskParams(arithmetic="lean"), 8, 3), "batch_size": 2}
    together = masks.find_masks(classifier, images, classes, **options)
    alone = masks.find_masks(classifier, images[1:], classes[1:], **options)
    np.testing.assert_allclose(together.losses[1], alone.losses[0], atol=1e-4)
    assert np.abs(together.crisp[1].astype(int) - alone.crisp[0]).max() <= 1


def test_the_network_is_left_as_it_was_and_progress_counts_every_step():
    classifier, steps = make_creatures(), []
    classifier.module.train()
    before = fingerprint(classifier.module.state_dict())

    def track(these):
        for step in these:
            steps.append(step)
            yield step

    params = shorten(masks.MaskParams(arithmetic="lean"), 3, 2)
    masks.find_masks(
        classifier, make_textures(3, 64), torch.tensor([0, 1, 2]), params=params, track=track, batch_size=2
    )
    assert steps == list(range(2 * 5))
    assert fingerprint(classifier.module.state_dict()) == before
    assert classifier.module.training and all(
        w.requires_grad and w.grad is None for w in classifier.module.parameters()
    )


def test_hiding_pixels_shows_the_blurred_image_there_and_nowhere_else():
    classifier, images, classes = make_creatures(), make_textures(2, 64), torch.tensor([2, 4])
    nothing = torch.zeros(2, 64, 64, dtype=torch.bool)
    picked = (torch.arange(2), classes)
    clean, blurred = classifier.probabilities(images)[picked], classifier.probabilities(blur(images))[picked]
    torch.testing.assert_close(masks.drop_when_hidden(classifier, images, nothing, classes), clean)
    torch.testing.assert_close(masks.drop_when_hidden(classifier, images, ~nothing, classes), blurred)


@pytest.mark.parametrize(
    ("images", "classes", "params", "sentence"),
    [
        (torch.rand(1, 3, 64, 48), torch.tensor([0]), {}, "square RGB"),
        (torch.rand(0, 3, 64, 64), torch.tensor([]), {}, "square RGB"),
        (torch.rand(1, 3, 8, 8), torch.tensor([0]), {}, "at least 16 px"),
        (torch.rand(2, 3, 64, 64), torch.tensor([0]), {}, "2 images and 1 classes"),
        (torch.rand(1, 3, 64, 64) * 255, torch.tensor([0]), {}, "outside 0 to 1"),
        (torch.rand(1, 3, 64, 64) * float("nan"), torch.tensor([0]), {}, "outside 0 to 1"),
        (torch.rand(1, 3, 64, 64), torch.tensor([8]), {}, "knows classes 0 to 7"),
        (torch.rand(1, 3, 64, 64), torch.tensor([-1]), {}, "knows classes 0 to 7"),
        (torch.rand(1, 3, 64, 64), torch.tensor([0]), {"schedule": "magic"}, "two_stage, annealed"),
        (torch.rand(1, 3, 64, 64), torch.tensor([0]), {"arithmetic": "magic"}, "literal, lean"),
    ],
)
def test_images_classes_and_parameters_that_do_not_fit_are_refused(images, classes, params, sentence):
    with pytest.raises(Refusal, match=sentence):
        masks.find_masks(make_creatures(), images, classes, params=masks.MaskParams(**params))


FEW = ("n01443537_goldfish.jpg", "n01518878_ostrich.jpg")


def read_classifier(name: str) -> Classifier:
    folder = SHARED / "data" / "weights"
    form = (folder / f"{name}.json").read_text()
    network = fit_state(build(f"torchvision:{name}", 1000), load_state(folder / f"{name}.pth"))
    return Classifier(network, parse_preprocessing(form), CPU)


def read_picture(file: str, classifier: Classifier) -> torch.Tensor:
    rgb = cv2.imread(str(SHARED / "data" / file))[:, :, ::-1].copy()
    return to_tensor(resize_square(rgb, classifier.preprocessing.input_size))


def read_golden(name: str) -> tuple[Classifier, torch.Tensor, torch.Tensor, dict[str, np.ndarray]]:
    golden = dict(np.load(SHARED / "golden" / f"mask_{name}.npz"))
    classifier = read_classifier(str(golden["network"]))
    image = read_picture(str(golden["picture"]), classifier)
    return classifier, image[None], torch.tensor([int(golden["category"])]), golden


@needs_shared
@pytest.mark.parametrize("name", ["accordion", "dalmatian", "schooner"])
def test_the_optimisation_starts_on_the_path_of_the_authors_code(name):
    classifier, image, classes, golden = read_golden(name)
    found = masks.find_masks(classifier, image, classes, params=shorten(masks.MaskParams(), 11, 1))
    assert found.p[0] == pytest.approx(float(golden["p"]), abs=1e-6)
    assert found.p_blurred[0] == pytest.approx(float(golden["p_blurred"]), abs=1e-6)
    np.testing.assert_allclose(found.losses[0, :2, :4], golden["loss_smooth"][:2, :4], rtol=2e-2, atol=1e-6)


@pytest.fixture
def two_threads():
    """The stored masks were made with two: kernels split their sums by the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@needs_shared
@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("name", ["accordion", "dalmatian", "schooner"])
def test_masks_are_those_of_the_authors_code(name):
    classifier, image, classes, golden = read_golden(name)
    start = masks.find_masks(classifier, image, classes, params=shorten(masks.MaskParams(), 11, 1))
    if not np.array_equal(start.losses[0, :2, :4], golden["loss_smooth"][:2, :4]):
        pytest.skip(
            "this processor rounds otherwise than the one of the stored masks, and masks follow rounding"
        )
    found = masks.find_masks(classifier, image, classes)
    assert np.array_equal(found.smooth[0], golden["smooth"])
    ours, theirs = found.crisp[0] > 128, golden["crisp"] > 128
    assert (ours & theirs).sum() / (ours | theirs).sum() >= 0.95
    for key in ("p", "p_blurred", "p_smooth", "p_crisp"):
        assert getattr(found, key)[0] == pytest.approx(float(golden[key]), abs=0.01)
