import java.io.BufferedInputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;

/** Makes a JDK's trust store (lib/security/cacerts) from a file of PEM certificates. Usage: java TrustStore.java PEM CACERTS */
final class TrustStore {
    /** Every JDK's trust store has this one; it is no secret. */
    private static final char[] PASSWORD = "changeit".toCharArray();

    private TrustStore() {}

    public static void main(String[] args) throws Exception {
        // A JDK opens its trust store without a password. It then sees a PKCS12 store's certificates as encrypted, a JKS's not.
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(null, PASSWORD);
        try (var pem = new BufferedInputStream(Files.newInputStream(Path.of(args[0])))) {
            int index = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("certificate-" + index++, certificate);
            }
        }
        try (OutputStream out = Files.newOutputStream(Path.of(args[1]))) {
            store.store(out, PASSWORD);
        }
    }
}
