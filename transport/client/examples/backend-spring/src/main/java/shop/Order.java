package shop;

import java.util.UUID;

/** What the shop sells. Its number is the payment's id at Tillbell and at the provider. */
public final class Order {
    public final String order;
    public final String amount;
    public final String currency;
    public final boolean fulfilled;

    private Order(String order, String amount, String currency, boolean fulfilled) {
        this.order = order;
        this.amount = amount;
        this.currency = currency;
        this.fulfilled = fulfilled;
    }

    static Order of(String amount, String currency) {
        return new Order("order-" + UUID.randomUUID(), amount, currency, false);
    }

    Order asFulfilled() {
        return new Order(order, amount, currency, true);
    }
}
