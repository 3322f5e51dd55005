package shop;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** The orders, in memory. A real shop keeps them, and how far it has read the feed, in its database. */
@Component
public class Orders {
    private static final Logger LOG = System.getLogger(Orders.class.getName());

    private final Map<String, Order> orders = new ConcurrentHashMap<>();

    void add(Order order) {
        orders.put(order.order, order);
    }

    /** Returns the order, or null. */
    Order find(String number) {
        return orders.get(number);
    }

    /**
     * Does once what the payer paid for, however often the feed says so, if it is what the order costs. In a database this
     * and the position are one transaction.
     */
    void fulfil(String number, String amount, String currency) {
        orders.computeIfPresent(number, (n, order) -> {
            if (order.fulfilled || !order.amount.equals(amount) || !order.currency.equals(currency)) {
                return order;
            }
            LOG.log(Level.INFO, n + " is paid and leaves the house");
            return order.asFulfilled();
        });
    }
}
