package shop;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * Creates orders and hands the page a ticket to wait with.
 *
 * <p>It takes the place of a controller that returns an {@code SseEmitter} and keeps it in a map until the provider's
 * callback looks it up: the page waits at Tillbell and the provider calls Tillbell, so that there is no map, no timeout
 * and no callback here.
 */
@RestController
public class CheckoutController {
    private static final Logger LOG = System.getLogger(CheckoutController.class.getName());

    private final Orders orders;
    private final Tillbell tillbell;

    public CheckoutController(Orders orders, Tillbell tillbell) {
        this.orders = orders;
        this.tillbell = tillbell;
    }

    /**
     * Makes an order and registers what is owed for it. Whoever knows the number of an order here may see it, so the
     * number cannot be guessed; a real shop asks its session who may.
     */
    @PostMapping("/orders")
    public ResponseEntity<Order> create() throws IOException, InterruptedException {
        Order order = Order.of("129.00", "USD");
        tillbell.register(order);
        orders.add(order);
        return ResponseEntity.created(URI.create("/orders/" + order.order)).body(order);
    }

    /**
     * Tells the page about its order, and where to wait for it. Registering again changes nothing and gives a fresh
     * ticket, so a page that is reloaded waits on.
     */
    @GetMapping("/orders/{order}")
    public ResponseEntity<Checkout> show(@PathVariable("order") String number) throws IOException, InterruptedException {
        Order order = orders.find(number);
        if (order == null) {
            return ResponseEntity.notFound().build();
        }
        Checkout checkout = new Checkout(order, tillbell.register(order), tillbell.url());
        return ResponseEntity.ok().cacheControl(CacheControl.noStore()).body(checkout);
    }

    @ExceptionHandler(IOException.class)
    public ResponseEntity<Void> unavailable(IOException e) {
        LOG.log(Level.WARNING, e.getMessage());
        return ResponseEntity.status(HttpStatus.BAD_GATEWAY).build();
    }

    /** What the page is given. The API key is no part of it. */
    public static final class Checkout {
        public final String order;
        public final String amount;
        public final String currency;
        public final boolean fulfilled;
        /** Opens the wait for this order and nothing else. */
        public final String ticket;
        /** Where the payer's browser reaches Tillbell. */
        public final String tillbell;

        Checkout(Order order, String ticket, String tillbell) {
            this.order = order.order;
            this.amount = order.amount;
            this.currency = order.currency;
            this.fulfilled = order.fulfilled;
            this.ticket = ticket;
            this.tillbell = tillbell;
        }
    }
}
