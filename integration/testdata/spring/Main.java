import java.net.InetSocketAddress;
import java.util.List;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.DefaultServlet;
import org.eclipse.jetty.servlet.ServletContextHandler;
import org.eclipse.jetty.servlet.ServletHolder;
import org.springframework.http.converter.json.MappingJackson2HttpMessageConverter;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.mvc.method.annotation.ExceptionHandlerExceptionResolver;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import shop.CheckoutController;
import shop.Fulfilment;
import shop.Orders;
import shop.Tillbell;

/**
 * Runs the Spring example in Jetty, as an application of its own would. It brings what {@code @EnableWebMvc} does bean by
 * bean, because the Spring of Debian 12 cannot make the proxies that a {@code @Configuration} needs.
 */
public class Main {
    public static class Mapping extends RequestMappingHandlerMapping {
        public Mapping() {
            setAlwaysUseFullPath(true);
        }
    }

    public static class Adapter extends RequestMappingHandlerAdapter {
        public Adapter() {
            setMessageConverters(List.of(new MappingJackson2HttpMessageConverter()));
        }
    }

    public static void main(String[] args) throws Exception {
        AnnotationConfigWebApplicationContext context = new AnnotationConfigWebApplicationContext();
        context.register(Mapping.class, Adapter.class, ExceptionHandlerExceptionResolver.class);
        context.register(CheckoutController.class, Fulfilment.class, Orders.class, Tillbell.class);
        ServletContextHandler handler = new ServletContextHandler();
        handler.setResourceBase(System.getenv("PAGE"));
        handler.addServlet(DefaultServlet.class, "/");
        ServletHolder dispatcher = new ServletHolder(new DispatcherServlet(context));
        dispatcher.setInitOrder(1); // what reads the feed starts with the program
        handler.addServlet(dispatcher, "/orders/*");

        String[] listen = System.getenv("LISTEN").split(":");
        Server server = new Server(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])));
        server.setHandler(handler);
        server.setStopAtShutdown(true);
        server.start();
        server.join();
    }
}
