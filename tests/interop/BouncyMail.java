// SPDX-License-Identifier: Apache-2.0
// Bouncy Castle as a peer for whole mails: one line on stdin is one operation, tab separated, its files named; the answer is "ok" or what Java says.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.mail.Session;
import javax.mail.internet.*;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.mail.smime.*;

public class BouncyMail {
    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            try {
                run(line.split("\t", -1));
                System.out.println("ok");
            } catch (Throwable problem) {
                System.out.println((problem.getClass().getSimpleName() + ": " + problem.getMessage()).replace('\n', ' '));
            }
            System.out.flush();
        }
    }

    static void run(String[] job) throws Exception {
        switch (job[0]) {
            case "sign" -> sign(job[1], job[2], job[3], job[4], job[5], job[6].equals("opaque"));
            case "verify" -> verify(job[1], job[2]);
            case "encrypt" -> encrypt(job[1], job[2], job[3], job[4]);
            case "decrypt" -> decrypt(job[1], job[2], job[3], job[4]);
            default -> throw new IllegalArgumentException(job[0]);
        }
    }

    static InputStream open(String path) throws IOException {
        return new ByteArrayInputStream(Files.readAllBytes(Path.of(path)));
    }

    static X509Certificate certificate(String path) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(open(path));
    }

    static PrivateKey key(String path) throws Exception {
        return KeyFactory.getInstance("RSA", "BC").generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(Path.of(path))));
    }

    static MimeMessage message(String path) throws Exception {
        return new MimeMessage(Session.getInstance(new Properties()), open(path));
    }

    static void write(MimeBodyPart part, String from, String out) throws Exception {
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        written.write(("From: " + from + "\r\nMIME-Version: 1.0\r\n").getBytes(StandardCharsets.US_ASCII));
        part.writeTo(written);
        Files.write(Path.of(out), written.toByteArray());
    }

    static void sign(String content, String out, String cert, String key, String from, boolean opaque) throws Exception {
        SMIMESignedGenerator generator = new SMIMESignedGenerator(SMIMESignedGenerator.RFC5751_MICALGS);
        X509Certificate own = certificate(cert);
        generator.addSignerInfoGenerator(new JcaSimpleSignerInfoGeneratorBuilder().setProvider("BC").build("SHA256withRSA", key(key), own));
        generator.addCertificates(new JcaCertStore(List.of(own)));
        MimeBodyPart part = new MimeBodyPart(open(content));
        if (opaque) {
            write(generator.generateEncapsulated(part), from, out);
            return;
        }
        MimeMultipart signed = generator.generate(part);
        MimeMessage mail = new MimeMessage(Session.getInstance(new Properties()));
        mail.setFrom(new InternetAddress(from));
        mail.setContent(signed, signed.getContentType());
        mail.saveChanges();
        try (OutputStream written = new FileOutputStream(out)) {
            mail.writeTo(written);
        }
    }

    static void verify(String mail, String out) throws Exception {
        MimeMessage message = message(mail);
        SMIMESigned signed = message.isMimeType("multipart/signed")
            ? new SMIMESigned((MimeMultipart) message.getContent())
            : new SMIMESigned(message);
        int good = 0;
        for (SignerInformation signer : signed.getSignerInfos()) {
            X509CertificateHolder holder = (X509CertificateHolder) signed.getCertificates().getMatches(signer.getSID()).iterator().next();
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder))) {
                throw new CMSException("not verified");
            }
            good++;
        }
        if (good == 0) {
            throw new CMSException("no signers");
        }
        try (OutputStream written = new FileOutputStream(out)) {
            signed.getContent().writeTo(written);
        }
    }

    static void encrypt(String content, String out, String cert, String cipher) throws Exception {
        ASN1ObjectIdentifier oid = switch (cipher) {
            case "aes-128-cbc" -> NISTObjectIdentifiers.id_aes128_CBC;
            case "aes-256-cbc" -> NISTObjectIdentifiers.id_aes256_CBC;
            default -> throw new UnsupportedOperationException("org.bouncycastle.mail.smime writes no AuthEnvelopedData");
        };
        SMIMEEnvelopedGenerator generator = new SMIMEEnvelopedGenerator();
        generator.addRecipientInfoGenerator(new JceKeyTransRecipientInfoGenerator(certificate(cert)).setProvider("BC"));
        MimeBodyPart part = new MimeBodyPart(open(content));
        write(generator.generate(part, new JceCMSContentEncryptorBuilder(oid).setProvider("BC").build()), "somebody@example.org", out);
    }

    static void decrypt(String mail, String out, String cert, String key) throws Exception {
        SMIMEEnveloped enveloped = new SMIMEEnveloped(message(mail));
        RecipientInformation recipient = enveloped.getRecipientInfos().get(new JceKeyTransRecipientId(certificate(cert)));
        if (recipient == null) {
            throw new CMSException("no recipient is us");
        }
        Files.write(Path.of(out), recipient.getContent(new JceKeyTransEnvelopedRecipient(key(key)).setProvider("BC")));
    }
}
