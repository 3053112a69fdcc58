"""The seeded catalogue: the same seed gives the same products, items, prices and starting stock in every shop.

Products are numbered from 1, items from 1 through all products. Each is made when it is asked for, so a catalogue of a
hundred thousand products costs no more at the start than one of thirty.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

GOODS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("스테인리스 텀블러", "한빛리빙", ("350ml 실버", "500ml 블랙", "750ml 화이트"), 12900),
    ("도자기 머그컵", "온유공방", ("아이보리", "네이비"), 9800),
    ("대나무 도마", "숲결", ("중형", "대형"), 15900),
    ("무쇠 프라이팬", "단단쇠", ("20cm", "24cm", "28cm"), 32900),
    ("유리 밀폐용기 세트", "담다", ("4개입", "8개입"), 21900),
    ("극세사 행주", "한빛리빙", ("10매",), 6900),
    ("규조토 발매트", "바스락", ("라이트그레이", "민트"), 13900),
    ("호텔 수건", "포근결", ("화이트 5장", "그레이 5장"), 24900),
    ("천연 라벤더 비누", "들꽃담", ("1개", "3개입"), 5900),
    ("샴푸 리필 1L", "들꽃담", ("쿨민트", "로즈마리"), 11900),
    ("면 양말", "걸음", ("블랙 5켤레", "화이트 5켤레", "혼합 5켤레"), 8900),
    ("기모 레깅스", "걸음", ("M", "L", "XL"), 17900),
    ("경량 패딩 조끼", "산들", ("블랙 L", "카키 L"), 39900),
    ("울 머플러", "산들", ("베이지", "차콜"), 27900),
    ("캔버스 에코백", "담다", ("내추럴", "블랙"), 12500),
    ("접이식 우산", "비온뒤", ("네이비", "와인"), 14900),
    ("LED 독서등", "밝은방", ("화이트",), 23900),
    ("무선 충전기 15W", "밝은방", ("블랙", "화이트"), 19900),
    ("USB-C 케이블", "이음선", ("1m", "2m"), 7900),
    ("블루투스 마우스", "이음선", ("블랙", "핑크"), 18900),
    ("노트북 거치대", "곧은목", ("실버", "스페이스그레이"), 29900),
    ("요가 매트 10mm", "곧은목", ("퍼플", "그레이"), 22900),
    ("폼롤러", "곧은목", ("45cm", "90cm"), 16900),
    ("볶은 원두 500g", "느린숲", ("하우스 블렌드", "에티오피아", "디카페인"), 17500),
    ("국산 보리차 티백", "느린숲", ("100개입",), 6500),
    ("제주 감귤칩", "귤밭", ("50g", "50g 3개입"), 4900),
    ("현미 누룽지", "고향들", ("300g", "1kg"), 8500),
    ("들기름 180ml", "고향들", ("1병", "2병"), 15500),
    ("강아지 덴탈껌", "멍스푼", ("소형견 30개입", "중형견 20개입"), 12900),
    ("고양이 스크래처", "냥마루", ("기본형",), 13500),
    ("어린이 색연필", "그림숲", ("12색", "24색", "36색"), 6900),
)


FIRST_ITEMS = (0, *accumulate(len(options) for _, _, options, _ in GOODS))
ITEMS_A_ROUND = FIRST_ITEMS[-1]


@dataclass(frozen=True, slots=True)
class Item:
    """One sellable option. Prices in whole won."""

    number: int
    product_number: int
    product_name: str
    name: str
    sku: str
    barcode: str
    original_price: int
    price: int
    stock: int

    @property
    def full_name(self) -> str:
        return f"{self.product_name} {self.name}"


@dataclass(frozen=True, slots=True)
class Goods:
    """One product with its items, of which there is always one."""

    number: int
    name: str
    brand: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that a shop sells. size: how many products."""

    seed: int
    size: int = len(GOODS)

    @property
    def item_count(self) -> int:
        rounds, rest = divmod(self.size, len(GOODS))
        return rounds * ITEMS_A_ROUND + FIRST_ITEMS[rest]

    def product(self, number: int) -> Goods | None:
        """Return the product of that number, None when there is none."""
        return make_goods(self.seed, number) if 1 <= number <= self.size else None

    def item(self, number: int) -> Item | None:
        """Return the item of that number, None when there is none."""
        if not 1 <= number <= self.item_count:
            return None
        rounds, place = divmod(number - 1, ITEMS_A_ROUND)
        goods_place = bisect_right(FIRST_ITEMS, place) - 1
        goods = make_goods(self.seed, rounds * len(GOODS) + goods_place + 1)
        return goods.items[place - FIRST_ITEMS[goods_place]]

    def products(self, first: int = 1, count: int | None = None) -> Iterator[Goods]:
        """Give products in the order of their numbers, *count* of them from *first* on."""
        last = self.size if count is None else min(self.size, first + count - 1)
        for number in range(first, last + 1):
            yield make_goods(self.seed, number)

    def items(self) -> Iterator[Item]:
        """Give all items in the order of their numbers."""
        for goods in self.products():
            yield from goods.items


@lru_cache(maxsize=20_000)
def make_goods(seed: int, number: int) -> Goods:
    """Make the product of that number; beyond the list of names they come again as another series."""
    rounds, place = divmod(number - 1, len(GOODS))
    name, brand, options, price = GOODS[place]
    full = name if rounds == 0 else f"{name} 시리즈 {rounds + 1}"
    first = rounds * ITEMS_A_ROUND + FIRST_ITEMS[place] + 1
    return Goods(number, full, brand, tuple(
        _item(seed, first + step, number, full, option, price + 2000 * step) for step, option in enumerate(options)
    ))


def _item(seed: int, number: int, product_number: int, product_name: str, name: str, price: int) -> Item:
    chance = random.Random(f"{seed}:item:{number}")
    return Item(
        number=number, product_number=product_number, product_name=product_name, name=name, sku=f"SKU-{number:04d}",
        barcode=f"880{chance.randrange(10**9, 10**10)}", original_price=price + 100 * chance.randrange(0, 50), price=price,
        stock=0 if chance.random() < 0.05 else chance.randrange(100, 2000),
    )
