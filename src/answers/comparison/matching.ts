/**
 * Whether every item of one list has a partner of its own in the other (augmenting paths, Kuhn 1955). Taking the first
 * partner that fits is not enough, because sameness is not transitive.
 */
export function isMatched<Item>(left: readonly Item[], right: readonly Item[], isSame: (one: Item, other: Item) => boolean): boolean {
  if (left.length !== right.length) return false;
  const partners = left.map((one) => right.flatMap((other, index) => (isSame(one, other) ? [index] : [])));
  const holders = new Map<number, number>();
  const findPartner = (item: number, tried: Set<number>): boolean =>
    partners[item]!.some((partner) => {
      if (tried.has(partner)) return false;
      tried.add(partner);
      const holder = holders.get(partner);
      if (holder !== undefined && !findPartner(holder, tried)) return false;
      holders.set(partner, item);
      return true;
    });
  return left.every((_, item) => findPartner(item, new Set()));
}
