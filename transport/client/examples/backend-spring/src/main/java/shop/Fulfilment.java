package shop;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.stereotype.Component;

/**
 * Reads Tillbell's feed and fulfils what is paid. The page's word that an order is paid counts for nothing.
 *
 * <p>Without a position the feed begins with the oldest event that is kept, so a shop that starts again misses nothing:
 * it sees some events twice.
 */
@Component
public class Fulfilment implements InitializingBean, DisposableBean {
    private static final Logger LOG = System.getLogger(Fulfilment.class.getName());

    private final Orders orders;
    private final Tillbell tillbell;
    private final Thread reader = new Thread(this::follow, "tillbell-feed");

    public Fulfilment(Orders orders, Tillbell tillbell) {
        this.orders = orders;
        this.tillbell = tillbell;
    }

    @Override
    public void afterPropertiesSet() {
        reader.start();
    }

    @Override
    public void destroy() throws InterruptedException {
        reader.interrupt();
        reader.join();
    }

    private void follow() {
        String position = "";
        try {
            for (;;) {
                try {
                    position = read(position);
                } catch (IOException e) {
                    LOG.log(Level.WARNING, e.getMessage());
                    Thread.sleep(1000);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the application ends
        }
    }

    /** Handles what follows the position in the feed and returns the position behind it. */
    private String read(String position) throws IOException, InterruptedException {
        JsonNode page = tillbell.events(position);
        for (JsonNode item : page.path("events")) {
            JsonNode event = item.path("event");
            // What was not applied contradicts the order: another amount, another account, a second outcome.
            if (item.path("applied").asBoolean() && event.path("type").asText().equals("payment.paid")) {
                JsonNode data = event.path("data");
                orders.fulfil(event.path("subject").asText(), data.path("amount").asText(), data.path("currency").asText());
            }
        }
        return page.path("position").asText();
    }
}
