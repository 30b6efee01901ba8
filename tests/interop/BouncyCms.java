// SPDX-License-Identifier: Apache-2.0
// Bouncy Castle as a peer: one line on stdin is one operation, tab separated, its files named; the answer is "ok" or what Java says.

import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.*;
import java.util.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.*;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.*;
import org.bouncycastle.operator.jcajce.*;

public class BouncyCms {
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
            case "sign" -> sign(job[1], job[2], job[3], job[4], job[5], job[6].equals("detached"));
            case "verify" -> verify(job[1], job[2]);
            case "encrypt" -> encrypt(job[1], job[2], job[3], job[4], job[5]);
            case "decrypt" -> decrypt(job[1], job[2], job[3], job[4]);
            default -> throw new IllegalArgumentException(job[0]);
        }
    }

    static byte[] read(String path) throws IOException {
        return Files.readAllBytes(Path.of(path));
    }

    static X509Certificate certificate(String path) throws Exception {
        return (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(new ByteArrayInputStream(read(path)));
    }

    static PrivateKey key(String path) throws Exception {
        byte[] encoded = read(path);
        String kind = PrivateKeyInfo.getInstance(encoded).getPrivateKeyAlgorithm().getAlgorithm().getId();
        return KeyFactory.getInstance(kind, "BC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
    }

    static void sign(String content, String out, String cert, String key, String algorithm, boolean detached) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        ContentSigner signer = new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key(key));
        DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        generator.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(digests).build(signer, certificate(cert)));
        generator.addCertificate(new JcaX509CertificateHolder(certificate(cert)));
        Files.write(Path.of(out), generator.generate(new CMSProcessableByteArray(read(content)), !detached).getEncoded());
    }

    static void verify(String signed, String content) throws Exception {
        CMSSignedData data = content.isEmpty()
            ? new CMSSignedData(read(signed))
            : new CMSSignedData(new CMSProcessableByteArray(read(content)), read(signed));
        int good = 0;
        for (SignerInformation signer : data.getSignerInfos()) {
            X509CertificateHolder holder = (X509CertificateHolder) data.getCertificates().getMatches(signer.getSID()).iterator().next();
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(holder))) {
                throw new CMSException("not verified");
            }
            good++;
        }
        if (good == 0) {
            throw new CMSException("no signers");
        }
    }

    static RecipientInfoGenerator recipient(X509Certificate cert, String way, ASN1ObjectIdentifier wrap) throws Exception {
        if (way.startsWith("oaep-")) {
            String digest = way.substring(5).replace("sha", "SHA-");
            AlgorithmIdentifier algorithm = new JcaAlgorithmParametersConverter().getAlgorithmIdentifier(
                PKCSObjectIdentifiers.id_RSAES_OAEP,
                new javax.crypto.spec.OAEPParameterSpec(
                    digest, "MGF1", new MGF1ParameterSpec(digest), javax.crypto.spec.PSource.PSpecified.DEFAULT));
            return new JceKeyTransRecipientInfoGenerator(cert, algorithm).setProvider("BC");
        }
        if (way.equals("pkcs1")) {
            return new JceKeyTransRecipientInfoGenerator(cert).setProvider("BC");
        }
        PublicKey key = cert.getPublicKey();
        KeyPairGenerator pairs = KeyPairGenerator.getInstance(key.getAlgorithm(), "BC");
        if (key instanceof java.security.interfaces.ECKey) {
            pairs.initialize(((java.security.interfaces.ECKey) key).getParams());
        }
        KeyPair pair = pairs.generateKeyPair();
        ASN1ObjectIdentifier agreement = switch (way) {
            case "sha1" -> CMSAlgorithm.ECDH_SHA1KDF;
            case "sha384" -> CMSAlgorithm.ECDH_SHA384KDF;
            case "sha512" -> CMSAlgorithm.ECDH_SHA512KDF;
            case "hkdf-sha256" -> new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.3.19");
            default -> CMSAlgorithm.ECDH_SHA256KDF;
        };
        return new JceKeyAgreeRecipientInfoGenerator(agreement, pair.getPrivate(), pair.getPublic(), wrap).addRecipient(cert).setProvider("BC");
    }

    static void encrypt(String content, String out, String cert, String cipher, String way) throws Exception {
        String bits = cipher.substring(4, 7);
        ASN1ObjectIdentifier oid = switch (cipher) {
            case "aes-128-cbc" -> NISTObjectIdentifiers.id_aes128_CBC;
            case "aes-192-cbc" -> NISTObjectIdentifiers.id_aes192_CBC;
            case "aes-256-cbc" -> NISTObjectIdentifiers.id_aes256_CBC;
            case "aes-128-gcm" -> NISTObjectIdentifiers.id_aes128_GCM;
            case "aes-192-gcm" -> NISTObjectIdentifiers.id_aes192_GCM;
            default -> NISTObjectIdentifiers.id_aes256_GCM;
        };
        ASN1ObjectIdentifier wrap = bits.equals("128")
            ? NISTObjectIdentifiers.id_aes128_wrap
            : bits.equals("192") ? NISTObjectIdentifiers.id_aes192_wrap : NISTObjectIdentifiers.id_aes256_wrap;
        RecipientInfoGenerator to = recipient(certificate(cert), way, wrap);
        OutputEncryptor encryptor = new JceCMSContentEncryptorBuilder(oid).setProvider("BC").build();
        CMSTypedData data = new CMSProcessableByteArray(read(content));
        byte[] encoded;
        if (cipher.endsWith("gcm")) {
            CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
            generator.addRecipientInfoGenerator(to);
            encoded = generator.generate(data, (OutputAEADEncryptor) encryptor).getEncoded();
        } else {
            CMSEnvelopedDataGenerator generator = new CMSEnvelopedDataGenerator();
            generator.addRecipientInfoGenerator(to);
            encoded = generator.generate(data, encryptor).getEncoded();
        }
        Files.write(Path.of(out), encoded);
    }

    static void decrypt(String sealed, String out, String cert, String key) throws Exception {
        byte[] encoded = read(sealed);
        boolean authenticated = org.bouncycastle.asn1.cms.ContentInfo.getInstance(encoded).getContentType()
            .equals(CMSObjectIdentifiersOf.AUTH_ENVELOPED);
        RecipientInformationStore recipients = authenticated
            ? new CMSAuthEnvelopedData(encoded).getRecipientInfos()
            : new CMSEnvelopedData(encoded).getRecipientInfos();
        X509Certificate own = certificate(cert);
        PrivateKey secret = key(key);
        for (RecipientInformation recipient : recipients.getRecipients()) {
            boolean agrees = recipient instanceof KeyAgreeRecipientInformation;
            if (!recipient.getRID().match(new X509CertificateHolder(own.getEncoded()))) {
                continue;
            }
            if (agrees && authenticated) {
                throw new UnsupportedOperationException("there is no JceKeyAgreeAuthEnvelopedRecipient");
            }
            Recipient opener = agrees
                ? new JceKeyAgreeEnvelopedRecipient(secret).setProvider("BC")
                : (authenticated ? new JceKeyTransAuthEnvelopedRecipient(secret) : new JceKeyTransEnvelopedRecipient(secret)).setProvider("BC");
            Files.write(Path.of(out), recipient.getContent(opener));
            return;
        }
        throw new CMSException("no recipient is us");
    }

    interface CMSObjectIdentifiersOf {
        ASN1ObjectIdentifier AUTH_ENVELOPED = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.1.23");
    }
}
