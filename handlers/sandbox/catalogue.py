"""The seeded catalogue: the same seed gives the same products, options, prices and stock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

GOODS = (
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


@dataclass(frozen=True, slots=True)
class Item:
    """One sellable option."""

    vendor_item_id: int
    product_id: int
    product_name: str
    name: str
    sku: str
    barcode: str
    original_price: int
    price: int
    stock: int


@dataclass(frozen=True, slots=True)
class Goods:
    """One product with its options."""

    product_id: int
    name: str
    brand: str
    items: tuple[Item, ...]


@lru_cache(maxsize=8)
def catalogue(seed: int) -> tuple[Goods, ...]:
    """Make the products of a seed."""
    chance = random.Random(f"{seed}:catalogue")
    numbers = iter(range(1, 1000))
    return tuple(
        Goods(15_000_000_001 + place, name, brand, tuple(
            _item(chance, next(numbers), 15_000_000_001 + place, name, option, price + 2000 * step)
            for step, option in enumerate(options)
        ))
        for place, (name, brand, options, price) in enumerate(GOODS)
    )


def _item(chance: random.Random, number: int, product_id: int, product_name: str, name: str, price: int) -> Item:
    return Item(
        vendor_item_id=3_000_000_000 + number, product_id=product_id, product_name=product_name, name=name,
        sku=f"SKU-{number:04d}", barcode=f"880{chance.randrange(10**9, 10**10)}",
        original_price=price + 100 * chance.randrange(0, 50), price=price, stock=chance.randrange(0, 200),
    )
