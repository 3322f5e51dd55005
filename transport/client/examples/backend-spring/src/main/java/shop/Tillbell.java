package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/** The two requests that a merchant needs. Any number of threads may use it. */
@Component
public class Tillbell {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
    private final String url;
    private final String key;

    /**
     * @param url where the payer's browser reaches Tillbell
     * @param key the API key, which never leaves the backend
     */
    public Tillbell(
            @Value("${tillbell.url:http://127.0.0.1:8080}") String url,
            @Value("${tillbell.api.key:an-example-api-key-that-everybody-knows}") String key) {
        this.url = url;
        this.key = key;
    }

    String url() {
        return url;
    }

    /** Says what is owed for the order and returns a ticket to wait for it. It may be called again. */
    String register(Order order) throws IOException, InterruptedException {
        // Only this account can complete the order, and only with this amount.
        Map<String, String> owed = Map.of(
                "source", "stripe", "amount", order.amount, "currency", order.currency, "expires_in", "15m");
        HttpRequest.Builder request = request("/v1/payments/" + encode(order.order))
                .PUT(BodyPublishers.ofByteArray(JSON.writeValueAsBytes(owed)));
        return call(request).path("ticket").asText();
    }

    /** Returns what follows the position in the feed, and waits for it for up to 25 s if there is nothing. */
    JsonNode events(String position) throws IOException, InterruptedException {
        return call(request("/v1/events?wait=25s&after=" + encode(position)));
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url + path))
                .header("Authorization", "Bearer " + key)
                .timeout(Duration.ofSeconds(35)); // more than the feed waits: a connection may die without a word
    }

    private JsonNode call(HttpRequest.Builder builder) throws IOException, InterruptedException {
        HttpRequest request = builder.build();
        HttpResponse<byte[]> response = http.send(request, BodyHandlers.ofByteArray());
        if (response.statusCode() / 100 != 2) {
            throw new IOException("tillbell: " + request.method() + " " + request.uri().getPath() + ": " + response.statusCode());
        }
        return JSON.readTree(response.body());
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
